using Kestrel.Rpc.Benchmarks.Load.Workloads;

namespace Kestrel.Rpc.Benchmarks.Load.Client;

/// <summary>What the load client does.</summary>
/// <param name="Workload">What it asks for.</param>
/// <param name="Port">The server's TCP port on 127.0.0.1.</param>
/// <param name="Connections">How many connections it keeps open.</param>
/// <param name="InFlight">Outstanding calls on each connection; 1 for every workload but rpc.</param>
/// <param name="Warmup">Load that is not measured: the runtime needs about 4 s to reach its final code.</param>
/// <param name="Window">The measured time.</param>
/// <param name="ServerProcess">The server's process id, to measure its CPU and memory; <see langword="null"/> if not wanted.</param>
/// <param name="ServerCore">The core the server is pinned to; <see langword="null"/> if it is not.</param>
/// <param name="Over">The transport whose connection factory connects, for dial; else <see langword="null"/>.</param>
internal sealed record LoadSettings(
    Workload Workload,
    int Port,
    int Connections,
    int InFlight,
    TimeSpan Warmup,
    TimeSpan Window,
    int? ServerProcess,
    int? ServerCore,
    TransportKind? Over = null);
