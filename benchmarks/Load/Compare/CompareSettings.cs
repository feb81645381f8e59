using Kestrel.Rpc.Benchmarks.Load.Cli;

namespace Kestrel.Rpc.Benchmarks.Load.Compare;

/// <summary>What <c>compare</c> measures.</summary>
internal sealed record CompareSettings
{
    public required Workload[] Workloads { get; init; }

    public required int[] Connections { get; init; }

    /// <summary>Outstanding calls on each connection, for the rpc workload alone.</summary>
    public required int[] InFlight { get; init; }

    public required TransportKind[] Transports { get; init; }

    public required Scheduling[] Schedulings { get; init; }

    /// <summary>How often every variant is measured.</summary>
    public required int Rounds { get; init; }

    public required TimeSpan Window { get; init; }

    public required TimeSpan Warmup { get; init; }

    public required int ServerCore { get; init; }

    public required int ClientCore { get; init; }

    public int? Loops { get; init; }
}
