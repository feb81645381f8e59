namespace Kestrel.Rpc.Transport.Tests;

/// <summary>What polling could break, on every variant whose loops poll. One at a time: each takes a processor or two.</summary>
[Collection(MeasuringGroup.Name)]
public sealed class PollingTests
{
    [Theory, PollingTransports]
    public Task Data_BothDirectionsRandomSizes_IsIntact(TransportVariant transport) => IntegrityChecks.BothDirectionsAtOnceAsync(transport);

    [Theory, PollingTransports]
    public Task Accept_MoreClientsThanAccepts_ServesAll(TransportVariant transport) =>
        AcceptChecks.EveryQueuedConnectionIsServedAsync(transport);

    [Theory, PollingTransports(OneThread = true)]
    public Task WakeUp_EveryAnswerOffLoop_NoneIsLost(TransportVariant transport) => WakeUpChecks.OffLoopRoundTripsAsync(transport);

    [Theory, PollingTransports]
    public Task WakeUp_FlushesFromManyThreads_NoneIsLost(TransportVariant transport) => WakeUpChecks.FlushesFromManyThreadsAsync(transport);

    [Theory, PollingTransports]
    public Task Signals_ToEveryThread_InterruptNothing(TransportVariant transport) =>
        ChildProcess.RunCheckAsync(SignalChecks.SignalsInterruptNothingAsync, transport);

    [Theory, PollingTransports]
    public Task HalfClose_LargeAnswer_IsDelivered(TransportVariant transport) => HalfCloseChecks.LargeAnswerIsDeliveredAsync(transport);

    [Theory, PollingTransports]
    public Task ConnectionClosed_ClientFin_FiresOnPool(TransportVariant transport) =>
        HalfCloseChecks.ConnectionClosedFiresOnPoolAsync(transport);

    [Theory, PollingTransports]
    public Task Read_HandlerStops_ClientWaitsAndNothingIsLost(TransportVariant transport) =>
        BackPressureChecks.ReaderThatStopsPausesTheClientAsync(transport);

    [Theory, PollingTransports]
    public Task Write_ClientStops_FlushWaitsAndNothingIsLost(TransportVariant transport) =>
        BackPressureChecks.ClientThatDoesNotReadPausesFlushAsync(transport);

    [Theory, PollingTransports]
    public Task Abort_OpenConnection_PeerSeesReset(TransportVariant transport) => CloseChecks.AbortResetsAsync(transport);

    [Theory, PollingTransports]
    public Task Reset_PendingFlush_IsReleased(TransportVariant transport) => CloseChecks.PeerResetReleasesPendingFlushAsync(transport);

    [Theory, PollingTransports]
    public Task Unbind_LiveConnections_GoOn(TransportVariant transport) => UnbindChecks.LiveConnectionsGoOnAsync(transport);

    [Theory, PollingTransports]
    public Task Rebind_RightAfterStop_Works(TransportVariant transport) => UnbindChecks.RebindRightAfterStopAsync(transport);

    [Theory, PollingTransports(OneThread = true)]
    public Task Storm_DescriptorsReused_ConnectionsStayApart(TransportVariant transport) =>
        StormChecks.ReusedDescriptorsKeepConnectionsApartAsync(transport);

    [Theory, PollingTransports(SleepingOnly = true)]
    public Task Idle_OpenConnections_NobodyWakes(TransportVariant transport) =>
        ChildProcess.RunCheckAsync(FootprintChecks.IdleTransportSleepsAsync, transport);
}
