using Kestrel.Rpc.Benchmarks.Load.Workloads;

namespace Kestrel.Rpc.Benchmarks.Load.Overload;

/// <summary>What <c>overload</c> measures.</summary>
/// <param name="Transport">The transport below Kestrel.</param>
/// <param name="Work">What a call does on the server.</param>
/// <param name="Connections">Connections that share the load.</param>
/// <param name="Patience">Beyond this a reply is of no use to its caller.</param>
/// <param name="Window">The measured time of a scene.</param>
/// <param name="ServerCore">The server's core.</param>
/// <param name="ClientCore">The client's core.</param>
internal sealed record OverloadSettings(
    TransportKind Transport,
    OverloadWork Work,
    int Connections,
    TimeSpan Patience,
    TimeSpan Window,
    int ServerCore,
    int ClientCore);
