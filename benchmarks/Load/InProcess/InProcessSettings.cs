using Kestrel.Rpc.Benchmarks.Load.Workloads;

namespace Kestrel.Rpc.Benchmarks.Load.InProcess;

/// <summary>What <c>inprocess</c> measures; a process that measures a single variant takes the first workload and number of connections.</summary>
internal sealed record InProcessSettings(Workload[] Workloads, int[] Connections, int Rounds, TimeSpan Warmup, TimeSpan Window);
