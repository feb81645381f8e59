namespace Kestrel.Rpc.Invocation.Tests;

/// <summary>The lock-free queue behind channels.</summary>
public sealed class BoundedRingTests
{
    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 2)]
    [InlineData(3, 4)]
    [InlineData(1000, 1024)]
    public void Capacity_IsRoundedUpAndIsTheBound(int wanted, int capacity)
    {
        var ring = new BoundedRing<int>(wanted);
        Assert.Equal(capacity, ring.Capacity);
        for (int lap = 0; lap < 3; lap++)
        {
            for (int item = 0; item < capacity; item++)
            {
                Assert.True(ring.HasRoom);
                Assert.Equal(RingStatus.Done, ring.TryEnqueue(item));
            }

            Assert.False(ring.HasRoom);
            Assert.Equal(RingStatus.Full, ring.TryEnqueue(-1));
            Assert.Equal(capacity, ring.Count);
            for (int item = 0; item < capacity; item++)
            {
                Assert.True(ring.HasItem);
                Assert.True(ring.TryDequeue(out int taken));
                Assert.Equal(item, taken);
            }

            Assert.False(ring.HasItem);
            Assert.False(ring.TryDequeue(out _));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData((1 << 30) + 1)]
    public void Capacity_OutOfRange_Throws(int capacity) => Assert.Throws<ArgumentOutOfRangeException>(() => new BoundedRing<int>(capacity));

    [Fact]
    public void Close_ItemsInside_AreStillTakenAndNothingComesIn()
    {
        var ring = new BoundedRing<string>(4);
        ring.TryEnqueue("a");
        ring.Close();
        ring.Close();

        Assert.Equal(RingStatus.Closed, ring.TryEnqueue("b"));
        Assert.False(ring.IsDrained);
        Assert.True(ring.TryDequeue(out string? item));
        Assert.Equal("a", item);
        Assert.True(ring.IsDrained);
        Assert.False(ring.TryDequeue(out _));
    }

    [Theory]
    [InlineData(1, 1, 2)]
    [InlineData(3, 1, 4)]
    [InlineData(1, 3, 16)]
    [InlineData(4, 4, 2)]
    [InlineData(4, 4, 1024)]
    public async Task Stress_WritersAndReaders_EveryItemOnceAndInOrder(int writers, int readers, int capacity)
    {
        const int ItemsPerWriter = 20_000;
        var ring = new BoundedRing<(int Writer, int Number)>(capacity);
        Task[] writing = [.. Enumerable.Range(0, writers).Select(writer => Threads.Start(() =>
        {
            for (int number = 0; number < ItemsPerWriter; number++)
            {
                SpinWait wait = default;
                while (ring.TryEnqueue((writer, number)) != RingStatus.Done)
                {
                    wait.SpinOnce(sleep1Threshold: -1);
                }
            }
        }))];
        var taken = new List<(int Writer, int Number)>[readers];
        Task[] reading = [.. Enumerable.Range(0, readers).Select(reader => Threads.Start(() =>
        {
            List<(int Writer, int Number)> mine = taken[reader] = [];
            SpinWait wait = default;
            while (!ring.IsDrained)
            {
                if (ring.TryDequeue(out (int, int) item))
                {
                    mine.Add(item);
                    wait.Reset();
                }
                else
                {
                    wait.SpinOnce(sleep1Threshold: -1);
                }
            }
        }))];
        await Task.WhenAll(writing).Limited();
        ring.Close();
        await Task.WhenAll(reading).Limited();

        Assert.Equal(writers * ItemsPerWriter, taken.SelectMany(items => items).Distinct().Count());
        Assert.Equal(writers * ItemsPerWriter, taken.Sum(items => items.Count));
        foreach (List<(int Writer, int Number)> items in taken)
        {
            foreach (IGrouping<int, (int Writer, int Number)> ofWriter in items.GroupBy(item => item.Writer))
            {
                Assert.Equal(ofWriter.Select(item => item.Number).Order(), ofWriter.Select(item => item.Number));
            }
        }
    }

    [Fact]
    public async Task Close_RacesWithWriters_WhatWasTakenInIsTakenOut()
    {
        for (int round = 0; round < 300; round++)
        {
            var ring = new BoundedRing<int>(64);
            int accepted = 0;
            Task[] writing = [.. Enumerable.Range(0, 3).Select(_ => Task.Run(() =>
            {
                for (int number = 0; number < 15 && ring.TryEnqueue(number) == RingStatus.Done; number++)
                {
                    Interlocked.Increment(ref accepted);
                }
            }))];
            Task<int> reading = Task.Run(() =>
            {
                int count = 0;
                while (!ring.IsDrained)
                {
                    count += ring.TryDequeue(out _) ? 1 : 0;
                }

                return count;
            });
            ring.Close();
            await Task.WhenAll(writing).Limited();

            int taken = await reading.Limited();
            Assert.Equal(accepted, taken);
        }
    }

    [Fact]
    public void Dequeue_Reference_IsNotKept()
    {
        var ring = new BoundedRing<object>(4);
        WeakReference reference = Put(ring);
        Take(ring);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();

        Assert.False(reference.IsAlive);
        GC.KeepAlive(ring);
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static WeakReference Put(BoundedRing<object> ring)
    {
        object item = new();
        ring.TryEnqueue(item);
        return new WeakReference(item);
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static void Take(BoundedRing<object> ring) => Assert.True(ring.TryDequeue(out _));
}
