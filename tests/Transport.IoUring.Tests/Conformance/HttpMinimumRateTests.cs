namespace Kestrel.Rpc.Transport.Tests;

public sealed class HttpMinimumRateTests
{
    [Theory, Transports]
    public Task Http1_SlowClients_AreCutOff(TransportVariant transport) => Http1Checks.SlowClientsAreCutOffAsync(transport);
}
