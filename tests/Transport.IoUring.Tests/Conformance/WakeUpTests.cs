namespace Kestrel.Rpc.Transport.Tests;

[Collection(StressGroup.Name)]
public sealed class WakeUpTests
{
    [Theory, Transports]
    public Task WakeUp_EveryAnswerOffLoop_NoneIsLost(TransportVariant transport) => WakeUpChecks.OffLoopRoundTripsAsync(transport);

    [Theory, Transports]
    public Task WakeUp_FlushesFromManyThreads_NoneIsLost(TransportVariant transport) => WakeUpChecks.FlushesFromManyThreadsAsync(transport);

    [Theory, Transports(PoolOnly = true)]
    public Task Handlers_SomeBlock_OthersAreServed(TransportVariant transport) => WakeUpChecks.BlockedHandlersDelayNobodyAsync(transport);

    [Theory, Transports]
    public Task Signals_ToEveryThread_InterruptNothing(TransportVariant transport) =>
        ChildProcess.RunCheckAsync(SignalChecks.SignalsInterruptNothingAsync, transport);
}
