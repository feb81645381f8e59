namespace Kestrel.Rpc.Transport.Tests;

public sealed class CloseTests
{
    [Theory, Transports]
    public Task Close_UnflushedAndLargeOutput_ArrivesBeforeFin(TransportVariant transport) => CloseChecks.AllBytesBeforeFinAsync(transport);

    [Theory, Transports]
    public Task Complete_UnflushedOutputOfAnIdleConnection_ArrivesBeforeFin(TransportVariant transport) => CloseChecks.UnflushedBytesLeaveWithCompleteAsync(transport);

    [Theory, Transports]
    public Task Dispose_UntouchedConnection_SendsFin(TransportVariant transport) => CloseChecks.DisposeSendsFinAsync(transport);

    [Theory, Transports]
    public Task Abort_OpenConnection_PeerSeesReset(TransportVariant transport) => CloseChecks.AbortResetsAsync(transport);

    [Theory, Transports]
    public Task Abort_WithoutReason_PeerSeesFin(TransportVariant transport) => CloseChecks.AbortWithoutReasonSendsFinAsync(transport);

    [Theory, Transports]
    public Task Abort_FinOnError_PeerSeesFin(TransportVariant transport) => CloseChecks.AbortWithFinOnErrorSendsFinAsync(transport);

    [Theory, Transports]
    public Task Abort_PendingFlush_IsReleased(TransportVariant transport) => CloseChecks.AbortReleasesPendingFlushAsync(transport);

    [Theory, Transports]
    public Task Abort_FromManyThreads_IsOneAbort(TransportVariant transport) => CloseChecks.ConcurrentAbortsAreOneAsync(transport);

    [Theory, Transports]
    public Task Reset_PendingRead_ThrowsConnectionReset(TransportVariant transport) => CloseChecks.PeerResetEndsReadAsync(transport);

    [Theory, Transports]
    public Task Reset_PendingFlush_IsReleased(TransportVariant transport) => CloseChecks.PeerResetReleasesPendingFlushAsync(transport);
}
