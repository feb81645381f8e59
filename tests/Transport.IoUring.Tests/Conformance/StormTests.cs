namespace Kestrel.Rpc.Transport.Tests;

[Collection(StressGroup.Name)]
public sealed class StormTests
{
    [Theory, Transports]
    public Task Storm_DescriptorsReused_ConnectionsStayApart(TransportVariant transport) =>
        StormChecks.ReusedDescriptorsKeepConnectionsApartAsync(transport);

    [Theory, Transports]
    public Task Storm_Over_DescriptorsAreClosed(TransportVariant transport) =>
        ChildProcess.RunCheckAsync(StormChecks.DescriptorsComeBackAsync, transport);
}
