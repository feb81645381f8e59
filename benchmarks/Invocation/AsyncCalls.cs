using System.Diagnostics;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Invocation;

namespace Kestrel.Rpc.Benchmarks.Invocation;

/// <summary>As most programs call: <c>await</c> on the thread pool, server and clients asleep when there is nothing to do.</summary>
internal static class AsyncCalls
{
    public static void Run(TimeSpan time)
    {
        foreach (int clients in new[] { 1, 64 })
        {
            Measurement.Run($"async, {clients} {(clients == 1 ? "client" : "clients")}", time, (end, latencies) => CallsAsync(clients, end, latencies).GetAwaiter().GetResult());
        }
    }

    private static async Task<long> CallsAsync(int clients, long end, LatencyHistogram latencies)
    {
        var channel = new InvocationChannel<long, long>();
        var server = new InvocationServer<long, long>(channel.Source, InvocationHandler.FromFunction((long argument) => argument + 1));
        Task serving = server.RunAsync();
        long[] counts = await Task.WhenAll(Enumerable.Range(0, clients).Select(index =>
            Task.Run(() => ClientAsync(channel.Client, end, index == 0 ? latencies : new LatencyHistogram()))));
        channel.Source.Complete();
        await serving;
        return counts.Sum();
    }

    private static async Task<long> ClientAsync(InvocationChannelClient<long, long> client, long end, LatencyHistogram latencies)
    {
        long count = 0;
        double nanoseconds = 1e9 / Stopwatch.Frequency;
        for (long before = Stopwatch.GetTimestamp(); before < end; before = Stopwatch.GetTimestamp())
        {
            PollingServer.Check(count, await client.InvokeAsync(count));
            latencies.Record((long)((Stopwatch.GetTimestamp() - before) * nanoseconds));
            count++;
        }

        return count;
    }
}
