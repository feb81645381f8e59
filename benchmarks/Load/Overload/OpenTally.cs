using System.Diagnostics;
using Kestrel.Rpc.Benchmarks.Load.Measure;

namespace Kestrel.Rpc.Benchmarks.Load.Overload;

/// <summary>What became of the calls of a scene. Used by the client's one thread.</summary>
internal sealed class OpenTally(TimeSpan patience)
{
    private static readonly double NanosecondsPerTick = 1e9 / Stopwatch.Frequency;

    /// <summary>Of the calls that were accepted, from the moment they were due.</summary>
    public LatencyHistogram Accepted { get; } = new();

    /// <summary>Calls that were answered while their caller still cared.</summary>
    public long Good { get; private set; }

    /// <summary>Calls that the server refused, not processed.</summary>
    public long Refused { get; set; }

    /// <summary>Calls that fell due.</summary>
    public long Offered { get; set; }

    /// <summary>Calls that were due and not sent, because the server read no more.</summary>
    public long Unsent { get; set; }

    public void Accept(long due, long now)
    {
        long nanoseconds = (long)((now - due) * NanosecondsPerTick);
        Accepted.Record(nanoseconds);
        Good += nanoseconds <= patience.TotalNanoseconds ? 1 : 0;
    }
}
