using System.Diagnostics;
using Kestrel.Rpc.Benchmarks.Load.Measure;

namespace Kestrel.Rpc.Benchmarks.Load.Client;

/// <summary>Counts replies and their latencies. Used by the client's one thread.</summary>
internal sealed class Tally
{
    private static readonly double NanosecondsPerTick = 1e9 / Stopwatch.Frequency;

    public LatencyHistogram Latency { get; } = new();

    public long Replies => Latency.Count;

    public void Record(long started, long now) => Latency.Record((long)((now - started) * NanosecondsPerTick));
}
