using System.Buffers;

namespace Kestrel.Rpc.Transport.Tests.Pipes;

/// <summary>The blocks of a loop: what keeps its memory, for how long, and that all of it goes back.</summary>
public sealed class PipeBlockPoolTests : IDisposable
{
    private readonly TrackingMemoryPoolFactory _factory = new(pinned: true);
    private readonly ManualTimer _time = new();
    private readonly List<Exception> _faults = [];
    private readonly MemoryPool<byte> _memory;

    public PipeBlockPoolTests() => _memory = _factory.Create();

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void Rent_AfterReturns_GivesWhatCameBackLast()
    {
        using PipeBlockPool pool = Create();
        PipeBlock first = pool.Rent(0);
        PipeBlock second = pool.Rent(0);
        Memory<byte> memory = second.Free;
        second.End = 100;
        first.SetNext(second);

        pool.Return(first);
        pool.Return(second);
        PipeBlock again = pool.Rent(10);

        Assert.Same(second, again);
        Assert.Equal(memory, again.Free); // all of it, and the same
        Assert.Equal((0, 0L, 0), (again.End, again.RunningIndex, again.Memory.Length));
        Assert.Null(again.NextBlock);
        Assert.Equal(2, _factory.Rented);
    }

    [Fact]
    public void Timer_NothingUsedSince_GivesAllBack()
    {
        using PipeBlockPool pool = Create();
        ReturnAll(pool, RentMany(pool, 10));
        Assert.Equal(10, _factory.Outstanding);
        Assert.Equal(PipeBlockPool.Idle, _time.Due);

        _time.Fire();

        Assert.Equal(0, _factory.Outstanding);
        Assert.Null(_time.Due); // an idle transport wakes nobody
        pool.Return(pool.Rent(0));
        Assert.Equal(PipeBlockPool.Idle, _time.Due);
        Assert.Equal(11, _factory.Rented);
    }

    [Fact]
    public void Timer_BlocksAreInUse_KeepsThemUntilTheyAreNot()
    {
        using PipeBlockPool pool = Create();
        ReturnAll(pool, RentMany(pool, 10));
        ReturnAll(pool, RentMany(pool, 1));

        _time.Fire();
        Assert.Equal(10, _factory.Outstanding);
        _time.Fire();

        Assert.Equal(0, _factory.Outstanding);
        Assert.Null(_time.Due);
    }

    [Fact]
    public void Return_MoreThanItKeeps_GivesTheRestBackAtOnce()
    {
        using PipeBlockPool pool = Create();

        ReturnAll(pool, RentMany(pool, PipeBlockPool.MaxFilled + 50));

        Assert.Equal(PipeBlockPool.MaxFilled, _factory.Outstanding);
    }

    [Fact]
    public void Rent_LargerThanTheKeptBlocks_GetsRoomForAll()
    {
        using PipeBlockPool pool = Create();
        ReturnAll(pool, RentMany(pool, 1));

        PipeBlock large = pool.Rent(100_000);

        Assert.True(large.Capacity >= 100_000);
        pool.Return(large);
        Assert.Equal(4096, pool.Rent(0).Capacity); // a large one is not kept
    }

    [Fact]
    public void Dispose_GivesAllBack_AlsoWhatReturnsLater()
    {
        PipeBlockPool pool = Create();
        List<PipeBlock> late = RentMany(pool, 5);
        ReturnAll(pool, RentMany(pool, 5));

        pool.Dispose();
        Assert.Equal(5, _factory.Outstanding);
        ReturnAll(pool, late);

        Assert.Equal(0, _factory.Outstanding);
        Assert.Equal(0, _factory.DoubleReturns);
        Assert.Null(_time.Due);
    }

    [Fact]
    public void Return_NoTime_GivesMemoryBackAtOnce()
    {
        using var pool = new PipeBlockPool(_memory, timeProvider: null, _faults.Add);

        ReturnAll(pool, RentMany(pool, 10));

        Assert.Equal(0, _factory.Outstanding);
    }

    [Fact]
    public void Timer_MemoryThrows_IsReportedAndTheOthersGoBack()
    {
        using var memory = new FailingReturns();
        using var pool = new PipeBlockPool(memory, _time, _faults.Add);
        ReturnAll(pool, RentMany(pool, 3));

        _time.Fire();

        Assert.Equal(3, memory.Returns);
        Assert.Equal(3, _faults.Count);
    }

    [Fact]
    public void Blocks_ManyThreads_NoneIsGivenTwice()
    {
        using var pool = new PipeBlockPool(_memory, TimeProvider.System, _faults.Add);

        Parallel.For(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 8 }, thread =>
        {
            var mine = new List<PipeBlock>();
            for (int i = 0; i < 20_000; i++)
            {
                PipeBlock block = pool.Rent(0);
                block.Free.Span.Fill((byte)(thread + 1));
                mine.Add(block);
                if (mine.Count == 40)
                {
                    Assert.All(mine, mine => Assert.Equal(-1, mine.Free.Span.IndexOfAnyExcept((byte)(thread + 1))));
                    ReturnAll(pool, mine);
                    mine.Clear();
                }
            }

            ReturnAll(pool, mine);
        });
        pool.Dispose();

        Assert.Equal((0, 0), (_factory.Outstanding, _factory.DoubleReturns));
        Assert.Empty(_faults);
    }

    private PipeBlockPool Create() => new(_memory, _time, _faults.Add);

    private static List<PipeBlock> RentMany(PipeBlockPool pool, int count) => [.. Enumerable.Range(0, count).Select(_ => pool.Rent(0))];

    private static void ReturnAll(PipeBlockPool pool, List<PipeBlock> blocks) => blocks.ForEach(pool.Return);

    private sealed class FailingReturns : MemoryPool<byte>
    {
        public int Returns { get; private set; }

        public override int MaxBufferSize => 4096;

        public override IMemoryOwner<byte> Rent(int minBufferSize = -1) => new Owner(this);

        protected override void Dispose(bool disposing)
        {
        }

        private sealed class Owner(FailingReturns pool) : IMemoryOwner<byte>
        {
            public Memory<byte> Memory { get; } = new byte[4096];

            public void Dispose()
            {
                pool.Returns++;
                throw new InvalidOperationException("No.");
            }
        }
    }
}
