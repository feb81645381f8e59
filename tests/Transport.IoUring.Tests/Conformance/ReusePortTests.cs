namespace Kestrel.Rpc.Transport.Tests;

/// <summary>What a listening socket for each loop could break: accepting, binding, unbinding, limits.</summary>
public sealed class ReusePortTests
{
    [Theory, ReusePortTransports]
    public Task Accept_MoreClientsThanAccepts_ServesAll(TransportVariant transport) =>
        AcceptChecks.EveryQueuedConnectionIsServedAsync(transport);

    [Theory, ReusePortTransports]
    public Task Accept_ClientsResetInQueue_NeverThrows(TransportVariant transport) =>
        AcceptChecks.ResetBeforeAcceptNeverThrowsAsync(transport);

    [Theory, ReusePortTransports]
    public Task Accept_Unbound_ReturnsNull(TransportVariant transport) => AcceptChecks.NullAfterUnbindAsync(transport);

    [Theory, ReusePortTransports]
    public Task Accept_Cancelled_NextAcceptGetsTheConnection(TransportVariant transport) =>
        AcceptChecks.CancelledAcceptLosesNothingAsync(transport);

    [Theory, ReusePortTransports]
    public Task Accept_TwoListeners_BothServe(TransportVariant transport) => AcceptChecks.TwoListenersBothServeAsync(transport);

    [Theory, ReusePortTransports]
    public Task Unbind_OneOfTwoListeners_OtherServes(TransportVariant transport) =>
        AcceptChecks.UnbindOfOneListenerLeavesTheOtherAsync(transport);

    [Theory, ReusePortTransports]
    public Task Unbind_LiveConnections_GoOn(TransportVariant transport) => UnbindChecks.LiveConnectionsGoOnAsync(transport);

    [Theory, ReusePortTransports]
    public Task Bind_RightAfterStop_Works(TransportVariant transport) => UnbindChecks.RebindRightAfterStopAsync(transport);

    [Theory, ReusePortTransports]
    public Task Bind_OldConnectionsAlive_BothAreServed(TransportVariant transport) => UnbindChecks.RebindBesideLiveConnectionsAsync(transport);

    [Theory, ReusePortTransports]
    public Task Bind_AddressOfOurs_ReportsAddressInUse(TransportVariant transport) => UnbindChecks.AddressInUseIsReportedAsync(transport);

    [Theory, ReusePortTransports]
    public Task Bind_AddressOfForeignSocket_ReportsAddressInUse(TransportVariant transport) =>
        UnbindChecks.AddressOfForeignSocketIsReportedAsync(transport);

    [Theory, ReusePortTransports]
    public Task Bind_AddressOfAnotherMachine_Throws(TransportVariant transport) => UnbindChecks.ForeignAddressFailsAsync(transport);

    [Theory, ReusePortTransports]
    public Task EndPoints_TcpV4_AreReal(TransportVariant transport) => EndPointChecks.TcpV4Async(transport);

    [Theory, ReusePortTransports]
    public Task EndPoints_TcpV6_AreReal(TransportVariant transport) => EndPointChecks.TcpV6Async(transport);

    [Theory, ReusePortTransports]
    public Task Bind_OneAddress_OthersRefuse(TransportVariant transport) => EndPointChecks.OnlyTheBoundAddressAnswersAsync(transport);

    [Theory, ReusePortTransports]
    public Task Bind_IPv6Any_ServesBothFamilies(TransportVariant transport) => EndPointChecks.DualModeAsync(transport);

    [Theory, ReusePortTransports]
    public Task Bind_IPv4Any_ServesEveryAddress(TransportVariant transport) => EndPointChecks.AnyAddressAsync(transport);

    [Theory, ReusePortTransports]
    public Task Bind_UnixPath_EchoesAndRebinds(TransportVariant transport) => EndPointChecks.UnixPathAsync(transport);

    [Theory, ReusePortTransports]
    public Task Bind_UnixPathInUse_ReportsAddressInUse(TransportVariant transport) => EndPointChecks.UnixPathInUseAsync(transport);

    [Theory, ReusePortTransports]
    public Task Bind_UnixAbstract_EchoesAndRebinds(TransportVariant transport) => EndPointChecks.UnixAbstractAsync(transport);

    [Theory, ReusePortTransports]
    public Task FileHandle_Tcp_Serves(TransportVariant transport) => FileHandleChecks.TcpHandleAsync(transport);

    [Theory, ReusePortTransports]
    public Task Limit_Reached_ResetsOthersUntilRoomComesBack(TransportVariant transport) => ConnectionLimitChecks.RoomComesBackAsync(transport);

    [Theory, ReusePortTransports]
    public Task Limit_TwoEndPoints_HoldsForBothTogether(TransportVariant transport) => ConnectionLimitChecks.TwoEndPointsShareTheLimitAsync(transport);
}

[Collection(StressGroup.Name)]
public sealed class ReusePortStormTests
{
    [Theory, ReusePortTransports]
    public Task Storm_DescriptorsReused_ConnectionsStayApart(TransportVariant transport) =>
        StormChecks.ReusedDescriptorsKeepConnectionsApartAsync(transport);

    [Theory, ReusePortTransports]
    public Task Storm_Over_DescriptorsAreClosed(TransportVariant transport) =>
        ChildProcess.RunCheckAsync(StormChecks.DescriptorsComeBackAsync, transport);
}

[Collection(MeasuringGroup.Name)]
public sealed class ReusePortFootprintTests
{
    [Theory, ReusePortTransports]
    public Task Accept_NoDescriptorsLeft_PausesAndGoesOn(TransportVariant transport) =>
        ChildProcess.RunCheckAsync(DescriptorLimitChecks.ExhaustedDescriptorsPauseAcceptingAsync, transport);

    [Theory, ReusePortTransports]
    public Task Limit_Flood_HarmsNobodyAndStaysBounded(TransportVariant transport) =>
        ChildProcess.RunCheckAsync(ConnectionLimitChecks.FloodHarmsNobodyAsync, transport);
}
