namespace Kestrel.Rpc.Transport.Tests.Connecting;

[Collection(StressGroup.Name)]
public sealed class ConnectStormTests
{
    [Theory, Transports(OwnOnly = true, SharedLoops = true)]
    public Task Connect_ThousandAtOnce_AllEcho(TransportVariant transport) => ConnectStormChecks.ThousandAsync(transport);

    [Theory, Transports(OwnOnly = true, SharedLoops = true)]
    public Task Storm_ConnectsCancelledAndRefused_ConnectionsStayApart(TransportVariant transport) =>
        ConnectStormChecks.CancelledConnectsReachNobodyAsync(transport);

    [Theory, Transports(OwnOnly = true, SharedLoops = true)]
    public Task Storm_Over_DescriptorsAreClosed(TransportVariant transport) =>
        ChildProcess.RunCheckAsync(ConnectStormChecks.DescriptorsComeBackAsync, transport);
}
