namespace Kestrel.Rpc.Invocation.Tests;

/// <summary>Several back ends behind one handler: bounds, back-pressure, stealing.</summary>
public sealed class FanOutTests
{
    private static readonly IInvocationHandler<int, int> Increment = InvocationHandler.FromFunction((int argument) => argument + 1);

    [Fact]
    public async Task Calls_AreSpreadOverTheBackEnds()
    {
        await using var fanOut = new FanOut<int, int>();
        Gated[] backEnds = [new(), new(), new()];
        foreach (Gated backEnd in backEnds)
        {
            fanOut.Add(backEnd);
        }

        Task<int>[] calls = [.. Enumerable.Range(0, 3).Select(index => fanOut.InvokeAsync(index).AsTask())];
        await TimeLimit.UntilAsync(() => backEnds.All(backEnd => backEnd.Begun.Length == 1));
        Assert.Equal([0, 1, 2], backEnds.SelectMany(backEnd => backEnd.Begun).Order());
        foreach (Gated backEnd in backEnds)
        {
            backEnd.Open();
        }

        Assert.Equal((int[])[0, 1, 2], await Task.WhenAll(calls).Limited());
    }

    [Fact]
    public async Task Stealing_OneBackEndStalls_TheOtherTakesWhatWaitsForIt()
    {
        await using var fanOut = new FanOut<int, int>(new FanOutOptions { QueueCapacity = 64 });
        var stalled = new Gated();
        FanOutBackEnd slow = fanOut.Add(stalled);
        Task<int> stuck = fanOut.InvokeAsync(-1).AsTask();
        await TimeLimit.UntilAsync(() => stalled.Begun.Length == 1);

        // They all wait for the only back end there is, which is stuck.
        Task<int>[] calls = [.. Enumerable.Range(0, 50).Select(index => fanOut.InvokeAsync(index).AsTask())];
        Assert.Equal(50, slow.Queued);
        FanOutBackEnd idle = fanOut.Add(Increment);

        Assert.Equal(Enumerable.Range(1, 50), await Task.WhenAll(calls).Limited());
        Assert.Equal((1, 0), (slow.Handled, slow.Stolen));
        Assert.Equal((50, 50), (idle.Handled, idle.Stolen));
        Assert.Equal(1, slow.Running);
        Assert.False(stuck.IsCompleted);
        stalled.Open();
        Assert.Equal(-1, await stuck.Limited());
    }

    /// <summary>Both have one call that stalls, and one of them a worker that sleeps: a call for the other one wakes it.</summary>
    [Fact]
    public async Task Stealing_CallForABusyBackEnd_WakesAWorkerThatSleepsElsewhere()
    {
        await using var fanOut = new FanOut<int, int>();
        var gate = new TaskCompletionSource();
        IInvocationHandler<int, int> handler = InvocationHandler.FromAsyncFunction<int, int>(async (argument, _) =>
        {
            if (argument < 0)
            {
                await gate.Task;
            }

            return argument;
        });
        FanOutBackEnd one = fanOut.Add(handler);
        Task<int> first = fanOut.InvokeAsync(-1).AsTask();
        await TimeLimit.UntilAsync(() => one.Running == 1);
        FanOutBackEnd two = fanOut.Add(handler, concurrency: 2);
        Task<int> second = fanOut.InvokeAsync(-2).AsTask();
        await TimeLimit.UntilAsync(() => two.Running == 1);
        for (int call = 0; call < 20; call++)
        {
            Assert.Equal(call, await fanOut.InvokeAsync(call).Limited());
        }

        Assert.Equal(1, one.Handled);
        Assert.InRange(two.Stolen, 1, 20);
        gate.SetResult();
        Assert.Equal((-1, -2), (await first.Limited(), await second.Limited()));
    }

    /// <summary>Both sleep; both get one call of the same turn; the one that ends first takes the rest.</summary>
    [Fact]
    public async Task Stealing_SleepingBackEnds_AreWokenForCallsOfBusyOnes()
    {
        for (int round = 0; round < 100; round++)
        {
            await using var fanOut = new FanOut<int, int>();
            var stalled = new Gated();
            fanOut.Add(stalled);
            fanOut.Add(Increment);
            fanOut.Add(Increment);
            Task<int>[] calls = [.. Enumerable.Range(0, 20).Select(index => fanOut.InvokeAsync(index).AsTask())];
            await TimeLimit.UntilAsync(() => calls.Count(call => call.IsCompleted) == 20 - stalled.Begun.Length && stalled.Begun.Length <= 1);
            stalled.Open();
            await Task.WhenAll(calls).Limited();
        }
    }

    [Fact]
    public async Task StealingOff_CallStaysWithItsBackEnd()
    {
        await using var fanOut = new FanOut<int, int>(new FanOutOptions { Stealing = false });
        var stalled = new Gated();
        FanOutBackEnd slow = fanOut.Add(stalled);
        Task<int>[] calls = [.. Enumerable.Range(0, 5).Select(index => fanOut.InvokeAsync(index).AsTask())];
        await TimeLimit.UntilAsync(() => slow.Running == 1);
        FanOutBackEnd idle = fanOut.Add(Increment);

        Assert.Equal(101, await fanOut.InvokeAsync(100).Limited());
        Assert.Equal((4, 0), (slow.Queued, idle.Stolen));
        stalled.Open();
        Assert.Equal(Enumerable.Range(0, 5), await Task.WhenAll(calls).Limited());
    }

    [Fact]
    public async Task Bounds_QueuesAreFull_CallersWaitAndTheSourceKeepsTheRest()
    {
        await using var fanOut = new FanOut<int, int>(new FanOutOptions { QueueCapacity = 2 });
        Gated[] backEnds = [new(), new()];
        FanOutBackEnd[] counters = [fanOut.Add(backEnds[0]), fanOut.Add(backEnds[1])];
        var channel = new InvocationChannel<int, int>(new InvocationChannelOptions { Capacity = 4 });
        Task serving = new InvocationServer<int, int>(channel.Source, fanOut, new InvocationServerOptions { MaxConcurrency = 1 }).RunAsync();
        List<Task<int>> calls = [];
        for (int call = 0; call < 11; call++)
        {
            // Two are being handled, two wait for each back end, one waits to be handed in, four wait in the channel.
            calls.Add(channel.Client.InvokeAsync(call).AsTask());
            int inside = Math.Min(call + 1, 7);
            await TimeLimit.UntilAsync(() => counters.Sum(backEnd => backEnd.Running + backEnd.Queued) == Math.Min(inside, 6) && channel.Source.Count == calls.Count - inside);
        }

        Assert.False(channel.Client.TryInvoke(12, out _));
        Assert.All(counters, backEnd => Assert.InRange(backEnd.Queued, 0, 2));
        backEnds[0].Open();
        backEnds[1].Open();
        Assert.Equal(Enumerable.Range(0, 11), await Task.WhenAll(calls).Limited());
        channel.Source.Complete();
        await serving.Limited();
    }

    [Fact]
    public async Task Bounds_RejectsWhenFull_CallerIsToldAtOnce()
    {
        await using var fanOut = new FanOut<int, int>(new FanOutOptions { QueueCapacity = 2, RejectsWhenFull = true });
        var stalled = new Gated();
        FanOutBackEnd backEnd = fanOut.Add(stalled);
        Task<int> running = fanOut.InvokeAsync(0).AsTask();
        await TimeLimit.UntilAsync(() => backEnd.Running == 1);
        Task<int>[] waiting = [fanOut.InvokeAsync(1).AsTask(), fanOut.InvokeAsync(2).AsTask()];

        await Assert.ThrowsAsync<InvocationRejectedException>(() => fanOut.InvokeAsync(3).Limited());
        stalled.Open();
        Assert.Equal(0, await running.Limited());
        Assert.Equal((int[])[1, 2], await Task.WhenAll(waiting).Limited());
    }

    [Fact]
    public async Task Wait_CancelledWhileFull_CallerLeaves()
    {
        await using var fanOut = new FanOut<int, int>(new FanOutOptions { QueueCapacity = 2 });
        var stalled = new Gated();
        fanOut.Add(stalled);
        Task<int>[] calls = [.. Enumerable.Range(0, 3).Select(index => fanOut.InvokeAsync(index).AsTask())];
        await TimeLimit.UntilAsync(() => stalled.Begun.Length == 1 && fanOut.BackEnds[0].Queued == 2);
        using var cancellation = new CancellationTokenSource();
        Task<int> late = fanOut.InvokeAsync(4, cancellation.Token).AsTask();
        Assert.False(late.IsCompleted);
        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => late.Limited());
        stalled.Open();
        Assert.Equal((int[])[0, 1, 2], await Task.WhenAll(calls).Limited());
        Assert.Equal([0, 1, 2], stalled.Begun);
    }

    [Fact]
    public async Task Concurrency_OfABackEnd_IsItsBound()
    {
        await using var fanOut = new FanOut<int, int>();
        var gated = new Gated();
        FanOutBackEnd backEnd = fanOut.Add(gated, concurrency: 3);
        Task<int>[] calls = [.. Enumerable.Range(0, 8).Select(index => fanOut.InvokeAsync(index).AsTask())];
        await TimeLimit.UntilAsync(() => backEnd.Running == 3);
        Assert.Equal(5, backEnd.Queued);
        gated.Open();
        Assert.Equal(Enumerable.Range(0, 8), await Task.WhenAll(calls).Limited());
    }

    [Fact]
    public async Task Composition_FanOutBehindAChannelBehindAFanOut_Answers()
    {
        await using var inner = new FanOut<int, int>();
        inner.Add(Increment);
        inner.Add(Increment);
        var channel = new InvocationChannel<int, int>(new InvocationChannelOptions { Capacity = 8 });
        Task serving = new InvocationServer<int, int>(channel.Source, inner).RunAsync();
        await using var outer = new FanOut<int, int>(new FanOutOptions { QueueCapacity = 4 });
        outer.Add(channel.Client);
        outer.Add(Increment.Around((invocation, next) => next.HandleAsync(invocation)));

        int[] replies = await Task.WhenAll(Enumerable.Range(0, 2000).Select(index => outer.InvokeAsync(index).AsTask())).Limited();
        Assert.Equal(Enumerable.Range(1, 2000), replies);
        channel.Source.Complete();
        await serving.Limited();
    }

    [Fact]
    public async Task Stress_CallersAndBackEndsThatComeAndGo_EveryCallIsAnsweredOnce()
    {
        await using var fanOut = new FanOut<int, int>(new FanOutOptions { QueueCapacity = 4 });
        fanOut.Add(Increment);
        using var ended = new CancellationTokenSource();
        Task changing = Task.Run(async () =>
        {
            while (!ended.IsCancellationRequested)
            {
                FanOutBackEnd other = fanOut.Add(Increment, concurrency: 2);
                await Task.Yield();
                Assert.True(fanOut.Remove(other));
            }
        });
        await Task.WhenAll(Enumerable.Range(0, 6).Select(client => Task.Run(async () =>
        {
            for (int call = 0; call < 2000; call++)
            {
                Assert.Equal(call + 1, await fanOut.InvokeAsync(call));
            }
        }))).Limited();
        await ended.CancelAsync();
        await changing.Limited();
        await fanOut.StopAsync(CancellationToken.None).Limited();
    }
}
