namespace Kestrel.Rpc.Transport.Tests;

[Collection(StressGroup.Name)]
public sealed class IntegrityTests
{
    [Theory, Transports]
    public Task Data_BothDirectionsRandomSizes_IsIntact(TransportVariant transport) => IntegrityChecks.BothDirectionsAtOnceAsync(transport);

    [Theory, Transports]
    public Task Data_SlowReadersBesideOthers_IsIntact(TransportVariant transport) =>
        IntegrityChecks.PendingSendsKeepTheirMemoryAsync(transport);

    [Theory, Transports]
    public Task Data_UnpinnedPoolUnderCompaction_IsIntact(TransportVariant transport) =>
        ChildProcess.RunCheckAsync(IntegrityChecks.MovingMemoryAsync, transport);

    [Theory, Transports]
    public Task Data_TinyGeneration0_IsIntact(TransportVariant transport) =>
        ChildProcess.RunCheckAsync(IntegrityChecks.BothDirectionsAtOnceAsync, transport, ("DOTNET_GCgen0size", "0x10000"));
}
