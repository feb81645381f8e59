using System.Diagnostics;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Invocation;

namespace Kestrel.Rpc.Benchmarks.Invocation;

/// <summary>One call at a time, client and server each spinning on a processor. The latency holds the two readings of the clock.</summary>
internal static class PollingLatency
{
    public static void Run(TimeSpan time)
    {
        using (var server = new PollingServer(new InvocationChannelOptions { ReplySpinTime = Timeout.InfiniteTimeSpan }))
        {
            Measurement.Run("polling, one call at a time, Invoke", time, (end, latencies) => Calls(server, end, latencies));
        }

        Measurement.Run("two readings of the clock", time, Clock);
    }

    private static long Calls(PollingServer server, long end, LatencyHistogram latencies)
    {
        long count = 0;
        double nanoseconds = 1e9 / Stopwatch.Frequency;
        for (long before = Stopwatch.GetTimestamp(); before < end; before = Stopwatch.GetTimestamp())
        {
            long reply = server.Client.Invoke(count);
            long after = Stopwatch.GetTimestamp();
            PollingServer.Check(count, reply);
            latencies.Record((long)((after - before) * nanoseconds));
            count++;
        }

        return count;
    }

    private static long Clock(long end, LatencyHistogram latencies)
    {
        long count = 0;
        double nanoseconds = 1e9 / Stopwatch.Frequency;
        for (long before = Stopwatch.GetTimestamp(); before < end; before = Stopwatch.GetTimestamp())
        {
            latencies.Record((long)((Stopwatch.GetTimestamp() - before) * nanoseconds));
            count++;
        }

        return count;
    }
}
