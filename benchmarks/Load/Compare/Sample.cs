using Kestrel.Rpc.Benchmarks.Load.Client;

namespace Kestrel.Rpc.Benchmarks.Load.Compare;

/// <summary>What one measurement showed.</summary>
/// <param name="Step">Which measurement it is.</param>
/// <param name="Load">What the client saw, and the server's CPU and memory.</param>
/// <param name="AllocatedBytes">Managed bytes the server allocated in the window; <see langword="null"/> for a C program.</param>
/// <param name="Collections">Garbage collections of the server in the window; <see langword="null"/> for a C program.</param>
internal sealed record Sample(PlanStep Step, LoadResult Load, long? AllocatedBytes, int? Collections)
{
    /// <summary>The part of the window in which the server used its core. Near 1 the server was the slower side.</summary>
    public double ServerBusy => Load.ServerCpu / Load.Seconds;

    /// <summary>
    /// The part of the window in which something else used the server's core. The kernel counts it in hundredths of a second, so that small
    /// values are noise.
    /// </summary>
    public double Disturbed => Math.Max(0, (Load.ServerCoreBusy - Load.ServerCpu) / Load.Seconds);

    public double? AllocatedPerRequest => (double?)AllocatedBytes / Load.Requests;

    /// <summary>Context switches of the server's threads.</summary>
    public double SwitchesPerRequest => (double)Load.ServerSwitches / Load.Requests;
}
