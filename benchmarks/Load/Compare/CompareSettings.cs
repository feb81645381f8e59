using Kestrel.Rpc.Benchmarks.Load.Workloads;

namespace Kestrel.Rpc.Benchmarks.Load.Compare;

/// <summary>What <c>compare</c> measures.</summary>
internal sealed record CompareSettings
{
    /// <summary>Where the numbers of connections come from that were not asked for.</summary>
    public CompareDefaults Defaults { get; init; } = CompareDefaults.Full;

    public required Workload[] Workloads { get; init; }

    /// <summary>Empty: those each workload is usually measured with.</summary>
    public required int[] Connections { get; init; }

    /// <summary>Outstanding calls on each connection, for the rpc workload alone.</summary>
    public required int[] InFlight { get; init; }

    /// <summary>The servers, peers included.</summary>
    public required Variant[] Variants { get; init; }

    /// <summary>The servers that the others are set against.</summary>
    public required Variant[] Peers { get; init; }

    /// <summary>How often every variant is measured.</summary>
    public required int Rounds { get; init; }

    public required TimeSpan Window { get; init; }

    public required TimeSpan Warmup { get; init; }

    public required int ServerCore { get; init; }

    public required int ClientCore { get; init; }

    public int? Loops { get; init; }
}
