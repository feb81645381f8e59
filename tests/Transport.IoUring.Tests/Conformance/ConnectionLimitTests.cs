namespace Kestrel.Rpc.Transport.Tests;

public sealed class ConnectionLimitTests
{
    [Theory, Transports(OwnOnly = true)]
    public Task Limit_Reached_ResetsOthersUntilRoomComesBack(TransportVariant transport) => ConnectionLimitChecks.RoomComesBackAsync(transport);

    [Theory, Transports(OwnOnly = true)]
    public Task Limit_TwoEndPoints_HoldsForBothTogether(TransportVariant transport) => ConnectionLimitChecks.TwoEndPointsShareTheLimitAsync(transport);
}

[Collection(MeasuringGroup.Name)]
public sealed class ConnectionFloodTests
{
    [Theory, Transports(OwnOnly = true, OneLoop = true)]
    public Task Limit_Flood_HarmsNobodyAndStaysBounded(TransportVariant transport) =>
        ChildProcess.RunCheckAsync(ConnectionLimitChecks.FloodHarmsNobodyAsync, transport);
}
