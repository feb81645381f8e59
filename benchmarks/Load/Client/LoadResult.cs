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

    public double RequestsPerSecond => Requests / Seconds;

    /// <summary>Microseconds of the server's CPU for one request.</summary>
    public double ServerMicrosecondsPerRequest => ServerCpu * 1e6 / Requests;
}
