using Kestrel.Rpc.Benchmarks.Load.Cli;

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

    /// <summary>Whether it can serve the workload. The C programs know neither RPC nor large bodies.</summary>
    public bool Serves(Workload workload) =>
        Limit is null || workload is Workload.Echo or Workload.Http or Workload.Connect;
}
