namespace Kestrel.Rpc.Transport.Tests;

public sealed class Http1Tests
{
    [Theory, Transports]
    public Task Http1_ManyRequests_KeepTheConnection(TransportVariant transport) => Http1Checks.KeepAliveAsync(transport);

    [Theory, Transports]
    public Task Http1_Pipelined_AnswersInOrder(TransportVariant transport) => Http1Checks.PipeliningAsync(transport);

    [Theory, Transports]
    public Task Http1_ClientResetsMidRequest_RequestAbortedFires(TransportVariant transport) =>
        Http1Checks.ClientResetFiresRequestAbortedAsync(transport);

    [Theory, Transports]
    public Task Http1_ServerAbortsMidResponse_ClientSeesReset(TransportVariant transport) =>
        Http1Checks.ServerAbortResetsTheClientAsync(transport);

    [Theory, Transports]
    public Task Http1_StopWithRequestInFlight_RequestFinishes(TransportVariant transport) =>
        Http1Checks.StopWaitsForTheRequestAsync(transport);
}
