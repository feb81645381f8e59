namespace Kestrel.Rpc.Transport.Tests;

public sealed class UnbindTests
{
    [Theory, Transports]
    public Task Unbind_LiveConnections_GoOn(TransportVariant transport) => UnbindChecks.LiveConnectionsGoOnAsync(transport);

    [Theory, Transports]
    public Task Bind_RightAfterStop_Works(TransportVariant transport) => UnbindChecks.RebindRightAfterStopAsync(transport);

    [Theory, Transports]
    public Task Bind_OldConnectionsAlive_BothAreServed(TransportVariant transport) => UnbindChecks.RebindBesideLiveConnectionsAsync(transport);

    [Theory, Transports]
    public Task Bind_AddressOfOurs_ReportsAddressInUse(TransportVariant transport) => UnbindChecks.AddressInUseIsReportedAsync(transport);
}
