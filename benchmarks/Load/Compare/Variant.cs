using Kestrel.Rpc.Benchmarks.Load.Cli;
using Kestrel.Rpc.Benchmarks.Load.Workloads;

namespace Kestrel.Rpc.Benchmarks.Load.Compare;

/// <summary>One of the servers that are compared: Kestrel on a transport with a scheduling, or a C program.</summary>
/// <param name="Name">As the command line and the report call it.</param>
internal sealed record Variant(string Name)
{
    /// <summary>The transport below Kestrel; <see langword="null"/> for a C program.</summary>
    public TransportKind? Transport { get; init; }

    public Scheduling Scheduling { get; init; }

    /// <summary>What the C program is made of; <see langword="null"/> for a transport.</summary>
    public LimitSource? Limit { get; init; }

    /// <summary>More arguments of the C program.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>Whether it looks for work without sleeping; it takes a whole core and is worth measuring where answers are waited for.</summary>
    public bool Polls { get; init; }

    /// <summary>
    /// Whether it can serve the workload. The C programs know neither RPC nor large bodies; Sockets has no connection factory to compare with.
    /// </summary>
    public bool Serves(Workload workload) => workload switch
    {
        Workload.PingPong or Workload.PingPongSpin => true,
        Workload.Echo or Workload.Http or Workload.Connect or Workload.Idle => !Polls,
        Workload.Dial => !Polls && Transport is TransportKind.Epoll or TransportKind.IoUring && Scheduling == Scheduling.Inline,
        _ => !Polls && Limit is null,
    };
}
