namespace Kestrel.Rpc.Benchmarks.Load.Serve;

/// <summary>What only the server process itself can tell, since its start.</summary>
/// <param name="AllocatedBytes">Bytes allocated on the managed heap.</param>
/// <param name="Collections">Garbage collections.</param>
internal sealed record ServerStatistics(long AllocatedBytes, int Collections)
{
    public static ServerStatistics Take() =>
        new(GC.GetTotalAllocatedBytes(precise: true), GC.CollectionCount(0));
}
