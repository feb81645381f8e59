using System.Collections.Concurrent;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>How calls of one connection are shared out among the threads of the pool.</summary>
public sealed class CallQueueTests
{
    private readonly RpcCallQueue _queue = new();

    static CallQueueTests() => ThreadPool.SetMinThreads(16, 16);

    [Fact]
    public async Task Calls_Added_StartWithStartAndNotBefore()
    {
        using CountdownEvent ended = new(3);
        bool isStarted = false;
        bool wasEarly = false;
        for (int i = 0; i < 3; i++)
        {
            _queue.Add(new Call(() =>
            {
                wasEarly |= !Volatile.Read(ref isStarted);
                ended.Signal();
            }));
        }

        // Whatever the pool was told before has begun now.
        await Task.Run(() => { }).InTime();
        Volatile.Write(ref isStarted, true);
        _queue.Start();

        Assert.True(ended.Wait(TimeLimits.Limit));
        Assert.False(wasEarly);
    }

    [Fact]
    public void Turn_MoreCallsThanOneTurnTakes_ThreadIsGivenUpAndTheRestRunsLater()
    {
        const int Calls = 10 * RpcCallQueue.CallsPerTurn;
        using CountdownEvent ended = new(Calls);
        int ofThisTurn = 0;
        Thread turn = new(() =>
        {
            for (int i = 0; i < Calls; i++)
            {
                _queue.Add(new Call(() =>
                {
                    // No thread of the pool.
                    ofThisTurn += Thread.CurrentThread.IsThreadPoolThread ? 0 : 1;
                    ended.Signal();
                }));
            }

            ((IThreadPoolWorkItem)_queue).Execute();
        });
        turn.Start();

        Assert.True(turn.Join(TimeLimits.Limit));
        Assert.True(ended.Wait(TimeLimits.Limit));
        Assert.InRange(ofThisTurn, 0, RpcCallQueue.CallsPerTurn);
    }

    [Fact]
    public void Turn_CallTakesLong_ThreadIsGivenUpAfterIt()
    {
        using CountdownEvent ended = new(20);
        int ofThisTurn = 0;
        Thread turn = new(() =>
        {
            for (int i = 0; i < 20; i++)
            {
                _queue.Add(new Call(() =>
                {
                    if (!Thread.CurrentThread.IsThreadPoolThread)
                    {
                        ofThisTurn++;
                        long begin = Environment.TickCount64;
                        SpinWait.SpinUntil(() => Environment.TickCount64 - begin > 20);
                    }

                    ended.Signal();
                }));
            }

            ((IThreadPoolWorkItem)_queue).Execute();
        });
        turn.Start();

        Assert.True(turn.Join(TimeLimits.Limit));
        Assert.True(ended.Wait(TimeLimits.Limit));
        Assert.InRange(ofThisTurn, 0, 1);
    }

    [Fact]
    public void Calls_EachBlocksUntilTheNextHasRun_AllRun()
    {
        const int Calls = 8;
        SemaphoreSlim[] ran = [.. Enumerable.Range(0, Calls + 1).Select(_ => new SemaphoreSlim(0))];
        ConcurrentQueue<bool> waited = [];
        ran[Calls].Release();
        for (int i = 0; i < Calls; i++)
        {
            int number = i;
            _queue.Add(new Call(() =>
            {
                waited.Enqueue(ran[number + 1].Wait(TimeLimits.Limit));
                ran[number].Release();
            }));
        }

        _queue.Start();

        Assert.True(ran[0].Wait(TimeLimits.Limit));
        Assert.Equal(Enumerable.Repeat(true, Calls), waited);
    }

    [Fact]
    public void Calls_AddedByOneThreadWhileOthersRun_EachRunsOnce()
    {
        const int Calls = 100_000;
        int[] runs = new int[Calls];
        using CountdownEvent ended = new(Calls);
        for (int i = 0; i < Calls; i++)
        {
            int number = i;
            _queue.Add(new Call(() =>
            {
                Interlocked.Increment(ref runs[number]);
                ended.Signal();
            }));
            if (i % 7 == 0)
            {
                _queue.Start();
            }
        }

        _queue.Start();

        Assert.True(ended.Wait(TimeLimits.Limit));
        Assert.All(runs, count => Assert.Equal(1, count));
    }

    private sealed class Call(Action action) : IThreadPoolWorkItem
    {
        public void Execute() => action();
    }
}
