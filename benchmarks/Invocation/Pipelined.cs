using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Invocation;

namespace Kestrel.Rpc.Benchmarks.Invocation;

/// <summary>Many calls on their way at once: client and server on a processor each, and both on one.</summary>
[SuppressMessage("Reliability", "CA2012", Justification = "A window of calls under way; each is read once.")]
internal static class Pipelined
{
    private const int Window = 128;
    private const int Chunk = 32;

    public static void Run(TimeSpan time)
    {
        using (var server = new PollingServer(new InvocationChannelOptions()))
        {
            Measurement.Run($"pipelined, {Window} calls, two processors", time, (end, _) => Ahead(server.Client, end));
        }

        Measurement.Run($"pipelined, {Window} calls, one thread", time, (end, _) => OneThread(end));
    }

    /// <summary>Keeps the window full: takes the oldest replies, a chunk at a time, and makes as many new calls.</summary>
    private static long Ahead(InvocationChannelClient<long, long> client, long end)
    {
        var window = new ValueTask<long>[Window];
        for (int index = 0; index < Window; index++)
        {
            window[index] = client.InvokeAsync(index);
        }

        long count = 0;
        while (Stopwatch.GetTimestamp() < end)
        {
            for (int index = 0; index < Window; index++, count++)
            {
                // Looks at the last of a chunk only: a look at a call that the server is just answering costs both of them.
                while (index % Chunk == 0 && !window[index + Chunk - 1].IsCompleted)
                {
                    Thread.SpinWait(1);
                }

                PollingServer.Check(count, window[index].Result);
                window[index] = client.InvokeAsync(count + Window);
            }
        }

        for (int index = 0; index < Window; index++, count++)
        {
            PollingServer.Check(count, window[index].AsTask().GetAwaiter().GetResult());
        }

        return count;
    }

    /// <summary>Client and server by turns: what the two cost without the way between processors.</summary>
    private static long OneThread(long end)
    {
        var channel = new InvocationChannel<long, long>();
        IInvocationHandler<long, long> handler = InvocationHandler.FromFunction((long argument) => argument + 1);
        var window = new ValueTask<long>[Window];
        long count = 0;
        while (Stopwatch.GetTimestamp() < end)
        {
            for (int index = 0; index < Window; index++)
            {
                window[index] = channel.Client.InvokeAsync(count + index);
            }

            while (channel.Source.TryReceive(out Invocation<long, long> invocation))
            {
                handler.DispatchAsync(invocation).GetAwaiter().GetResult();
            }

            for (int index = 0; index < Window; index++, count++)
            {
                PollingServer.Check(count, window[index].Result);
            }
        }

        return count;
    }
}
