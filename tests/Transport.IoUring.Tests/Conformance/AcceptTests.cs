namespace Kestrel.Rpc.Transport.Tests;

public sealed class AcceptTests
{
    [Theory, Transports]
    public Task Accept_MoreClientsThanAccepts_ServesAll(TransportVariant transport) =>
        AcceptChecks.EveryQueuedConnectionIsServedAsync(transport);

    [Theory, Transports]
    public Task Accept_ClientsResetInQueue_NeverThrows(TransportVariant transport) =>
        AcceptChecks.ResetBeforeAcceptNeverThrowsAsync(transport);

    [Theory, Transports]
    public Task Accept_Unbound_ReturnsNull(TransportVariant transport) => AcceptChecks.NullAfterUnbindAsync(transport);

    [Theory, Transports]
    public Task Accept_Cancelled_NextAcceptGetsTheConnection(TransportVariant transport) =>
        AcceptChecks.CancelledAcceptLosesNothingAsync(transport);

    [Theory, Transports]
    public Task Accept_TwoListeners_BothServe(TransportVariant transport) => AcceptChecks.TwoListenersBothServeAsync(transport);

    [Theory, Transports]
    public Task Unbind_OneOfTwoListeners_OtherServes(TransportVariant transport) =>
        AcceptChecks.UnbindOfOneListenerLeavesTheOtherAsync(transport);
}
