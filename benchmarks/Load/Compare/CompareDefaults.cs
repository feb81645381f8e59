using Kestrel.Rpc.Benchmarks.Load.Workloads;

namespace Kestrel.Rpc.Benchmarks.Load.Compare;

/// <summary>What <c>compare</c> does where the command line does not say otherwise.</summary>
internal sealed record CompareDefaults
{
    /// <summary>For figures that are written down.</summary>
    public static readonly CompareDefaults Full = new()
    {
        Rounds = 5,
        Seconds = 5,
        Warmup = 4,
        InFlight = [1, 16],
        Connections = [64, 512],
        IdleConnections = 15_000,
    };

    /// <summary>
    /// Everything once in less than two minutes: 74 measurements, which took 94 s on two quiet cores with the processes' start and end. The
    /// runtime has not compiled everything for the second time by then, so that the figures are too high.
    /// </summary>
    public static readonly CompareDefaults Quick = new()
    {
        Rounds = 1,
        Seconds = 0.4,
        Warmup = 0.5,
        InFlight = [16],
        Connections = [64],
        IdleConnections = 2_000,
    };

    public required int Rounds { get; init; }

    public required double Seconds { get; init; }

    public required double Warmup { get; init; }

    /// <summary>Calls in flight on each connection, for rpc.</summary>
    public required int[] InFlight { get; init; }

    /// <summary>Of the workloads of small requests.</summary>
    public required int[] Connections { get; init; }

    public required int IdleConnections { get; init; }

    public int[] ConnectionsOf(Workload workload) => workload switch
    {
        Workload.Upload or Workload.Download => [8],
        Workload.Connect or Workload.Dial => [64],
        Workload.Idle => [IdleConnections],
        _ => Connections,
    };
}
