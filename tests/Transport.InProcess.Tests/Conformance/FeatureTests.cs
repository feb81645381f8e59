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
}
