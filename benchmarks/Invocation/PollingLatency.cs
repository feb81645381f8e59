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

        Measurement.Run("a word to the other processor and back", time, Words);
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

    /// <summary>What the machine needs for the least that two threads can say to each other.</summary>
    private static long Words(long end, LatencyHistogram latencies)
    {
        var words = new long[64]; // one 128 bytes in, one 256 bytes behind it
        var thread = new Thread(() =>
        {
            for (long seen = 0; seen >= 0;)
            {
                long word = Volatile.Read(ref words[16]);
                if (word != seen)
                {
                    Volatile.Write(ref words[48], word);
                    seen = word;
                }
            }
        });
        thread.Start();
        long count = 0;
        double nanoseconds = 1e9 / Stopwatch.Frequency;
        for (long before = Stopwatch.GetTimestamp(); before < end; before = Stopwatch.GetTimestamp())
        {
            Volatile.Write(ref words[16], ++count);
            while (Volatile.Read(ref words[48]) != count)
            {
                // The other one answers.
            }

            latencies.Record((long)((Stopwatch.GetTimestamp() - before) * nanoseconds));
        }

        Volatile.Write(ref words[16], -1);
        thread.Join();
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
