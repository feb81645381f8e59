namespace Kestrel.Rpc.Transport.Tests;

public sealed class FeatureTests
{
    [Theory, Transports]
    public Task Features_NewConnection_ArePresentAndSettable(TransportVariant transport) =>
        FeatureChecks.FeaturesArePresentAndSettableAsync(transport);

    [Theory, Transports]
    public Task MemoryPoolFeature_Rent_ComesFromTheRegisteredPool(TransportVariant transport) =>
        FeatureChecks.MemoryPoolFeatureRentsAsync(transport);

    [Theory, Transports]
    public Task ConnectionId_ManyConnections_IsUnique(TransportVariant transport) => FeatureChecks.ConnectionIdsAreUniqueAsync(transport);

    [Theory, Transports]
    public Task SocketFeature_Socket_IsTheConnection(TransportVariant transport) => FeatureChecks.SocketFeatureIsTheConnectionAsync(transport);

    [Theory, Transports]
    public Task NoDelay_Off_IsHonoured(TransportVariant transport) => FeatureChecks.NoDelayOffIsHonouredAsync(transport);

    [Theory, Transports(OwnOnly = true)]
    public Task SocketFeature_SocketDisposed_ConnectionLives(TransportVariant transport) =>
        FeatureChecks.SocketFeatureDoesNotOwnTheDescriptorAsync(transport);
}
