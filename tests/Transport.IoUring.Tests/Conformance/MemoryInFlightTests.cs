namespace Kestrel.Rpc.Transport.Tests;

[Collection(MeasuringGroup.Name)]
public sealed class MemoryInFlightTests
{
    // A small nursery, or what is measured is how much garbage the collector likes to let lie.
    private static readonly (string, string) SmallNursery = ("DOTNET_GCgen0size", "0x400000");

    [Theory, Transports(PoolOnly = true, OneLoop = true, OwnOnly = true, SharedLoops = true)]
    public Task Memory_ThousandSlowReaders_StaysWithinTheWriteLimit(TransportVariant transport) =>
        ChildProcess.RunCheckAsync(MemoryInFlightChecks.SlowReadersAsync, transport, SmallNursery);

    [Theory, Transports(PoolOnly = true, OneLoop = true, OwnOnly = true, SharedLoops = true)]
    public Task Memory_ThousandSlowHttpReaders_StaysWithinTheWriteLimit(TransportVariant transport) =>
        ChildProcess.RunCheckAsync(MemoryInFlightChecks.SlowHttpReadersAsync, transport, SmallNursery);

    [Theory, Transports(PoolOnly = true, OneLoop = true, OwnOnly = true, SharedLoops = true)]
    public Task Memory_ThousandHandlersThatDoNotRead_StaysWithinTheReadLimit(TransportVariant transport) =>
        ChildProcess.RunCheckAsync(MemoryInFlightChecks.HandlersThatDoNotReadAsync, transport, SmallNursery);
}
