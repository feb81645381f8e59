using System.Diagnostics;
using System.Globalization;
using Kestrel.Rpc.Benchmarks.Load.Measure;

namespace Kestrel.Rpc.Benchmarks.Invocation;

/// <summary>One measurement: what a piece of work costs, counted over a time, after a warm-up of the same length.</summary>
internal static class Measurement
{
    /// <param name="name">Of the row.</param>
    /// <param name="time">How long to measure.</param>
    /// <param name="work">Runs until the given time stamp, records latencies if it has any, and returns the number of invocations.</param>
    public static void Run(string name, TimeSpan time, Func<long, LatencyHistogram, long> work)
    {
        work(Stopwatch.GetTimestamp() + Ticks(time), new LatencyHistogram());
        GC.Collect();
        var latencies = new LatencyHistogram();
        using var process = Process.GetCurrentProcess();
        TimeSpan cpu = Cpu(process);
        long allocated = GC.GetTotalAllocatedBytes(precise: true);
        long start = Stopwatch.GetTimestamp();
        long count = work(start + Ticks(time), latencies);
        TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
        allocated = GC.GetTotalAllocatedBytes(precise: true) - allocated;
        cpu = Cpu(process) - cpu;

        string latency = latencies.Count == 0
            ? "p50       -  p99       -"
            : string.Create(CultureInfo.InvariantCulture, $"p50 {latencies.Quantile(0.5),7:0}  p99 {latencies.Quantile(0.99),7:0}");
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name,-46} {latency} ns  {count / elapsed.TotalSeconds / 1e6,7:0.00} M/s  CPU {cpu.TotalNanoseconds / count,7:0} ns  {(double)allocated / count,6:0.00} bytes"));
    }

    private static long Ticks(TimeSpan time) => (long)(time.TotalSeconds * Stopwatch.Frequency);

    private static TimeSpan Cpu(Process process)
    {
        process.Refresh();
        return process.TotalProcessorTime;
    }
}
