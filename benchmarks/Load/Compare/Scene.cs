using Kestrel.Rpc.Benchmarks.Load.Cli;
using Kestrel.Rpc.Benchmarks.Load.Workloads;

namespace Kestrel.Rpc.Benchmarks.Load.Compare;

/// <summary>The conditions under which variants are set against each other: one table of the report.</summary>
internal sealed record Scene(Workload Workload, int Connections, int InFlight)
{
    public override string ToString() =>
        Workload is Workload.Rpc or Workload.Rpc2
            ? $"{Names.Of(Workload)}, {Connections} connections x {InFlight} calls in flight"
            : $"{Names.Of(Workload)}, {Connections} connections";
}
