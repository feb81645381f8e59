using Kestrel.Rpc.Benchmarks.Load.Measure;

namespace Kestrel.Rpc.Benchmarks.Load.Client;

/// <summary>What one measured window showed. Latencies in microseconds.</summary>
internal sealed record LoadResult
{
    public required long Requests { get; init; }

    public required double Seconds { get; init; }

    public required double P50 { get; init; }

    public required double P99 { get; init; }

    public required double P999 { get; init; }

    public required double Maximum { get; init; }

    /// <summary>CPU seconds the client itself used.</summary>
    public required double ClientCpu { get; init; }

    /// <summary>User + system seconds of the server process; 0 if no process was named.</summary>
    public required double ServerCpu { get; init; }

    /// <summary>The user part of <see cref="ServerCpu"/>, to hundredths of a second.</summary>
    public required double ServerUser { get; init; }

    /// <summary>Resident bytes of the server process at the window's end.</summary>
    public required long ServerResident { get; init; }

    /// <summary>How often a thread of the server gave its core away, or lost it; 0 if no process was named.</summary>
    public required long ServerSwitches { get; init; }

    /// <summary>Seconds in which the server's core was busy with anything at all; 0 if no core was named.</summary>
    public required double ServerCoreBusy { get; init; }

    /// <summary>Of the idle workload, the server's memory before its connections were opened; else <see langword="null"/>.</summary>
    public MemoryUse? MemoryBefore { get; init; }

    /// <summary>And as soon as the last of them was idle.</summary>
    public MemoryUse? MemoryAfter { get; init; }

    public double RequestsPerSecond => Requests / Seconds;

    /// <summary>Microseconds of the client's own CPU for one request.</summary>
    public double ClientMicrosecondsPerRequest => ClientCpu * 1e6 / Requests;

    /// <summary>Microseconds of the server's CPU for one request.</summary>
    public double ServerMicrosecondsPerRequest => ServerCpu * 1e6 / Requests;

    /// <param name="tally">What was counted in the window.</param>
    /// <param name="took">How long the window was.</param>
    /// <param name="clientCpu">Seconds of CPU the client used in it.</param>
    /// <param name="before">The server's use before it.</param>
    /// <param name="after">And after it.</param>
    public static LoadResult Of(Tally tally, TimeSpan took, double clientCpu, ServerUsage before, ServerUsage after) => new()
    {
        Requests = tally.Replies,
        Seconds = took.TotalSeconds,
        P50 = tally.Latency.Quantile(0.5) / 1000,
        P99 = tally.Latency.Quantile(0.99) / 1000,
        P999 = tally.Latency.Quantile(0.999) / 1000,
        Maximum = tally.Latency.Maximum / 1000.0,
        ClientCpu = clientCpu,
        ServerCpu = after.Cpu - before.Cpu,
        ServerUser = after.User - before.User,
        ServerResident = after.Resident,
        ServerSwitches = ThreadSwitches.Between(before.Switches, after.Switches),
        ServerCoreBusy = after.Core - before.Core,
    };
}
