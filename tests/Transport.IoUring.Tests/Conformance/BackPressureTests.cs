namespace Kestrel.Rpc.Transport.Tests;

public sealed class BackPressureTests
{
    [Theory, Transports]
    public Task Read_HandlerStops_ClientWaitsAndNothingIsLost(TransportVariant transport) =>
        BackPressureChecks.ReaderThatStopsPausesTheClientAsync(transport);

    [Theory, Transports]
    public Task Write_ClientStops_FlushWaitsAndNothingIsLost(TransportVariant transport) =>
        BackPressureChecks.ClientThatDoesNotReadPausesFlushAsync(transport);

    [Theory, Transports]
    public Task Limits_OfOneByte_LoseNothing(TransportVariant transport) => BackPressureChecks.LimitsOfOneByteLoseNothingAsync(transport);

    [Theory, Transports]
    public Task Write_NoLimit_FlushNeverWaits(TransportVariant transport) => BackPressureChecks.NoWriteLimitNeverWaitsAsync(transport);

    [Theory, Transports]
    public Task Read_ManyHandlersStop_OthersAreServed(TransportVariant transport) =>
        BackPressureChecks.ManyStoppedReadersStarveNobodyAsync(transport);
}
