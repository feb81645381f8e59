namespace Kestrel.Rpc.Transport.Tests.Connecting;

public sealed class CancellationTests
{
    [Theory, Transports(OwnOnly = true, SharedLoops = true)]
    public Task Cancel_Before_StartsNothing(TransportVariant transport) => CancellationChecks.BeforeAsync(transport);

    [Theory, Transports(OwnOnly = true, SharedLoops = true)]
    public Task Cancel_Meanwhile_ClosesTheSocket(TransportVariant transport) => CancellationChecks.MeanwhileAsync(transport);

    [Theory, Transports(OwnOnly = true, SharedLoops = true, OneLoop = true)]
    public Task Cancel_UnixConnectThatWaits_Ends(TransportVariant transport) => CancellationChecks.UnixMeanwhileAsync(transport);

    [Theory, Transports(OwnOnly = true, SharedLoops = true)]
    public Task Cancel_Afterwards_ConnectionGoesOn(TransportVariant transport) => CancellationChecks.AfterwardsAsync(transport);

    [Theory, Transports(OwnOnly = true, SharedLoops = true)]
    public Task Dispose_WithConnectsUnderWay_EndsThemAndConnections(TransportVariant transport) => CancellationChecks.DisposeAsync(transport);

    [Theory, Transports(OwnOnly = true, SharedLoops = true)]
    public Task Dispose_ThenUse_Throws(TransportVariant transport) => CancellationChecks.UseAfterDisposeAsync(transport);
}
