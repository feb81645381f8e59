using System.Diagnostics;
using System.Threading.Channels;
using Kestrel.Rpc.Invocation;

namespace Kestrel.Rpc.Benchmarks.Invocation;

/// <summary>The ring that channels are made of against the framework's bounded channel: both without waiting, items of 24 bytes.</summary>
internal static class QueueComparison
{
    private const int Capacity = 1024;
    private const int Batch = 128;

    public static void Run(TimeSpan time)
    {
        var ring = new BoundedRing<Item>(Capacity);
        Channel<Item> channel = Channel.CreateBounded<Item>(Capacity);
        Channel<Item> single = Channel.CreateBounded<Item>(new BoundedChannelOptions(Capacity) { SingleReader = true, SingleWriter = true });
        Compare("queue: ring", time, item => ring.TryEnqueue(in item) == RingStatus.Done, () => ring.TryDequeue(out _));
        Compare("queue: System.Threading.Channels", time, channel.Writer.TryWrite, () => channel.Reader.TryRead(out _));
        Compare("queue: same, single reader and writer", time, single.Writer.TryWrite, () => single.Reader.TryRead(out _));
    }

    private static void Compare(string name, TimeSpan time, Func<Item, bool> write, Func<bool> read)
    {
        Measurement.Run(name + ", one thread", time, (end, _) => OneThread(write, read, end));
        Measurement.Run(name + ", two processors", time, (end, _) => TwoThreads(write, read, end));
    }

    private static long OneThread(Func<Item, bool> write, Func<bool> read, long end)
    {
        long count = 0;
        while (Stopwatch.GetTimestamp() < end)
        {
            for (int index = 0; index < Batch; index++)
            {
                write(new Item(count, count, null));
            }

            for (int index = 0; index < Batch; index++, count++)
            {
                read();
            }
        }

        return count;
    }

    private static long TwoThreads(Func<Item, bool> write, Func<bool> read, long end)
    {
        long written = 0;
        bool hasEnded = false;
        var writer = new Thread(() =>
        {
            while (Stopwatch.GetTimestamp() < end)
            {
                for (int index = 0; index < Batch; index++)
                {
                    while (!write(new Item(written, written, null)))
                    {
                        Thread.SpinWait(1);
                    }

                    written++;
                }
            }

            Volatile.Write(ref hasEnded, true);
        });
        writer.Start();
        long count = 0;
        while (true)
        {
            if (read())
            {
                count++;
            }
            else if (Volatile.Read(ref hasEnded) && count == written)
            {
                break;
            }
            else
            {
                Thread.SpinWait(1);
            }
        }

        writer.Join();
        return count;
    }

    private readonly record struct Item(long First, long Second, object? Third);
}
