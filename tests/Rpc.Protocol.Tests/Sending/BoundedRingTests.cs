using System.Collections.Concurrent;

namespace Kestrel.Rpc.Protocol.Tests.Sending;

/// <summary>The ring that send queues are made of.</summary>
public class BoundedRingTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(int.MaxValue - 2)] // the positions go past the largest number
    [InlineData(-3)] // and past zero
    public void Items_InAndOut_KeepTheirOrder(int start)
    {
        BoundedRing<string> ring = new(4) { Start = start };
        for (int round = 0; round < 20; round++)
        {
            for (int i = 0; i <= round % 4; i++)
            {
                Assert.True(ring.TryEnqueue($"{round}/{i}"));
            }

            for (int i = 0; i <= round % 4; i++)
            {
                Assert.True(ring.TryDequeue(out string? item));
                Assert.Equal($"{round}/{i}", item);
            }

            Assert.False(ring.TryDequeue(out _));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(int.MaxValue - 5)]
    public void TryEnqueue_Full_IsRefusedUntilOneLeaves(int start)
    {
        BoundedRing<string> ring = new(8) { Start = start };
        for (int i = 0; i < 8; i++)
        {
            Assert.True(ring.TryEnqueue($"{i}"));
        }

        for (int i = 0; i < 50; i++)
        {
            Assert.False(ring.TryEnqueue("one too many"));
            Assert.True(ring.TryDequeue(out string? item));
            Assert.Equal($"{i}", item);
            Assert.True(ring.TryEnqueue($"{i + 8}"));
        }
    }

    [Fact]
    public void TryDequeue_Item_IsNotKeptAlive()
    {
        BoundedRing<object> ring = new(2);
        WeakReference weak = Pass(ring);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        Assert.False(weak.IsAlive);

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static WeakReference Pass(BoundedRing<object> ring)
        {
            Assert.True(ring.TryEnqueue(new object()));
            Assert.True(ring.TryDequeue(out object? item));
            return new WeakReference(item);
        }
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(100)]
    public void Capacity_NoPowerOfTwo_IsRefused(int capacity) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new BoundedRing<string>(capacity));

    [Theory]
    [InlineData(2)]
    [InlineData(64)]
    public async Task Stress_ManyProducers_EveryItemOnceAndInItsProducersOrder(int capacity)
    {
        const int Producers = 6;
        const int Each = 50_000;
        BoundedRing<Tuple<int, int>> ring = new(capacity) { Start = int.MaxValue - 1000 };
        Task[] producers = [.. Enumerable.Range(0, Producers).Select(producer => Task.Factory.StartNew(
            () =>
            {
                SpinWait spin = default;
                for (int i = 0; i < Each; i++)
                {
                    Tuple<int, int> item = new(producer, i);
                    while (!ring.TryEnqueue(item))
                    {
                        spin.SpinOnce(sleep1Threshold: -1);
                    }
                }
            },
            TaskCreationOptions.LongRunning))];

        int[] next = new int[Producers];
        ConcurrentQueue<string> faults = new();
        Task consumer = Task.Factory.StartNew(
            () =>
            {
                SpinWait spin = default;
                for (int left = Producers * Each; left > 0;)
                {
                    if (!ring.TryDequeue(out Tuple<int, int>? item))
                    {
                        spin.SpinOnce(sleep1Threshold: -1);
                        continue;
                    }

                    left--;
                    if (next[item.Item1]++ != item.Item2)
                    {
                        faults.Enqueue($"{item} out of turn");
                        return;
                    }
                }
            },
            TaskCreationOptions.LongRunning);
        await consumer.WaitAsync(TimeSpan.FromSeconds(60));

        Assert.Empty(faults);
        await Task.WhenAll(producers).WaitAsync(TimeSpan.FromSeconds(60));
        Assert.False(ring.TryDequeue(out _));
        Assert.All(next, count => Assert.Equal(Each, count));
    }
}
