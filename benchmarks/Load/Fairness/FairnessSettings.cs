using Kestrel.Rpc.Benchmarks.Load.Workloads;

namespace Kestrel.Rpc.Benchmarks.Load.Fairness;

/// <summary>What <c>fairness</c> measures.</summary>
/// <param name="Transport">The transport below Kestrel.</param>
/// <param name="Scheduling">Where the application's code runs.</param>
/// <param name="Connections">The measured connections.</param>
/// <param name="InFlight">Calls outstanding on each of them.</param>
/// <param name="Rounds">How often every scene is measured.</param>
/// <param name="Warmup">Load before the first.</param>
/// <param name="Window">The measured time of a scene.</param>
/// <param name="ServerCore">The server's core.</param>
/// <param name="ClientCore">The client's core.</param>
internal sealed record FairnessSettings(
    TransportKind Transport,
    Scheduling Scheduling,
    int Connections,
    int InFlight,
    int Rounds,
    TimeSpan Warmup,
    TimeSpan Window,
    int ServerCore,
    int ClientCore);
