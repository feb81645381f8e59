using Kestrel.Rpc.Benchmarks.Load.Client;
using Kestrel.Rpc.Benchmarks.Load.Measure;

namespace Kestrel.Rpc.Benchmarks.Load.Compare;

/// <summary>What one measurement showed.</summary>
/// <param name="Step">Which measurement it is.</param>
/// <param name="Load">What the client saw, and the server's CPU and memory.</param>
/// <param name="AllocatedBytes">Managed bytes the server allocated in the window; <see langword="null"/> for a C program.</param>
/// <param name="Collections">Garbage collections of the server in the window; <see langword="null"/> for a C program.</param>
internal sealed record Sample(PlanStep Step, LoadResult Load, long? AllocatedBytes, int? Collections)
{
    /// <summary>Of the idle workload, the server's memory at the end after a collection of all garbage; <see langword="null"/> for a C program.</summary>
    public MemoryUse? MemoryCollected { get; init; }

    /// <summary>The part of the window in which the server used its core. Near 1 the server was the slower side.</summary>
    public double ServerBusy => Load.ServerCpu / Load.Seconds;

    /// <summary>The part of the window in which the client used its core.</summary>
    public double ClientBusy => Load.ClientCpu / Load.Seconds;

    /// <summary>The client's CPU divided by the server's.</summary>
    public double ClientPerServer => Load.ClientCpu / Load.ServerCpu;

    /// <summary>
    /// The part of the window in which something else used the server's core. The kernel counts it in hundredths of a second, so that small
    /// values are noise.
    /// </summary>
    public double Disturbed => Math.Max(0, (Load.ServerCoreBusy - Load.ServerCpu) / Load.Seconds);

    public double? AllocatedPerRequest => (double?)AllocatedBytes / Load.Requests;

    /// <summary>Context switches of the server's threads.</summary>
    public double SwitchesPerRequest => (double)Load.ServerSwitches / Load.Requests;

    /// <summary>What <paramref name="part"/> of the server's memory grew by for each connection while they were opened; the idle workload alone.</summary>
    public double? GrowthPerConnection(Func<MemoryUse, long> part) => GrowthPerConnection(part, Load.MemoryAfter);

    /// <summary>The same, garbage left out.</summary>
    public double? LiveGrowthPerConnection(Func<MemoryUse, long> part) => GrowthPerConnection(part, MemoryCollected);

    private double? GrowthPerConnection(Func<MemoryUse, long> part, MemoryUse? after) =>
        Load.MemoryBefore is { } before && after is not null ? (double)(part(after) - part(before)) / Load.Requests : null;
}
