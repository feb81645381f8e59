using Kestrel.Rpc.Benchmarks.Load.Workloads;

namespace Kestrel.Rpc.Benchmarks.Load.Serve;

/// <summary>What one server process serves, and on what.</summary>
/// <param name="Workload">What it answers.</param>
/// <param name="Transport">The transport below Kestrel.</param>
/// <param name="Scheduling">Where the application's code runs.</param>
/// <param name="Polling">Whether the event loops look for work without ever sleeping; ours alone can.</param>
/// <param name="Port">The TCP port on 127.0.0.1; 0 takes a free one.</param>
/// <param name="Loops">Event loops (Sockets: I/O queues); <see langword="null"/> is the transport's default.</param>
/// <param name="Controlled">Whether another process asks for statistics on standard input and ends the server by closing it.</param>
internal sealed record ServeSettings(
    Workload Workload,
    TransportKind Transport,
    Scheduling Scheduling,
    bool Polling,
    int Port,
    int? Loops,
    bool Controlled)
{
    /// <summary>Whether every event loop has a listening socket of its own; ours alone can.</summary>
    public bool ReusePort { get; init; }
}
