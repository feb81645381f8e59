namespace Kestrel.Rpc.Invocation.Tests;

/// <summary>Back ends that throw, stall or die, and the end of it all.</summary>
public sealed class FanOutFaultTests
{
    private static readonly IInvocationHandler<int, int> Increment = InvocationHandler.FromFunction((int argument) => argument + 1);

    [Fact]
    public async Task BackEnd_Throws_FailsItsCallsOnlyAndGoesOn()
    {
        await using var fanOut = new FanOut<int, int>();
        FanOutBackEnd backEnd = fanOut.Add(InvocationHandler.FromFunction((int argument) =>
            argument % 2 == 0 ? argument : throw new ArgumentException("odd")));
        for (int call = 0; call < 50; call += 2)
        {
            Assert.Equal(call, await fanOut.InvokeAsync(call).Limited());
            await Assert.ThrowsAsync<ArgumentException>(() => fanOut.InvokeAsync(call + 1).Limited());
        }

        Assert.False(backEnd.IsDown);
        Assert.Equal(50, backEnd.Handled);
    }

    [Fact]
    public async Task BackEnd_EndsWithoutReply_CallerGetsAnError()
    {
        await using var fanOut = new FanOut<int, int>();
        fanOut.Add(InvocationHandler.Create((Invocation<int, int> _) => { }));
        await Assert.ThrowsAsync<InvocationDroppedException>(() => fanOut.InvokeAsync(1).Limited());
    }

    [Fact]
    public async Task BackEnd_FailsAfterItsReply_IsReported()
    {
        var fault = new TaskCompletionSource<Exception>();
        await using var fanOut = new FanOut<int, int>(new FanOutOptions { OnFault = e => fault.TrySetResult(e) });
        fanOut.Add(InvocationHandler.Create((Invocation<int, int> invocation) =>
        {
            invocation.Reply(1);
            throw new IOException("late");
        }));
        Assert.Equal(1, await fanOut.InvokeAsync(1).Limited());
        Assert.Equal("late", (await fault.Task.Limited()).Message);
        Assert.Equal(1, await fanOut.InvokeAsync(1).Limited());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task BackEnd_BlocksItsThread_TheOthersAnswer(bool stealing)
    {
        await using var fanOut = new FanOut<int, int>(new FanOutOptions { Stealing = stealing });
        using var gate = new ManualResetEventSlim();
        FanOutBackEnd stuck = fanOut.Add(InvocationHandler.FromFunction((int argument) =>
        {
            Assert.True(gate.Wait(TimeLimit.Current));
            return argument;
        }));
        Task<int> first = fanOut.InvokeAsync(7).AsTask();
        await TimeLimit.UntilAsync(() => stuck.Running == 1);
        fanOut.Add(Increment);
        for (int call = 0; call < 200; call++)
        {
            // One at a time: the stuck one has one call to do, the other none.
            Assert.Equal(call + 1, await fanOut.InvokeAsync(call).Limited());
        }

        gate.Set();
        Assert.Equal(7, await first.Limited());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task BackEnd_Dies_ItsCallsGoToTheOthers(bool stealing)
    {
        await using var fanOut = new FanOut<int, int>(new FanOutOptions { Stealing = stealing, QueueCapacity = 64 });
        var dying = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        FanOutBackEnd dead = fanOut.Add(InvocationHandler.FromAsyncFunction<int, int>(async (_, _) =>
        {
            await dying.Task;
            throw new BackEndDownException("unplugged");
        }));
        Task<int>[] calls = [.. Enumerable.Range(0, 30).Select(index => fanOut.InvokeAsync(index).AsTask())];
        await TimeLimit.UntilAsync(() => dead.Running == 1);
        var gated = new Gated();
        FanOutBackEnd other = fanOut.Add(gated, concurrency: 4);
        dying.SetResult();
        gated.Open();

        Assert.Equal(Enumerable.Range(0, 30), await Task.WhenAll(calls).Limited());
        Assert.True(dead.IsDown);
        Assert.Equal("unplugged", dead.Fault?.Message);
        Assert.Equal(1, dead.Handled);
        Assert.Equal(Enumerable.Range(0, 30), gated.Begun.Order());
        Assert.Equal([other], fanOut.BackEnds);
        Assert.Equal(40, await fanOut.InvokeAsync(40).Limited());
    }

    [Fact]
    public async Task BackEnd_LastOneDies_CallsAreRejected()
    {
        await using var fanOut = new FanOut<int, int>();
        FanOutBackEnd dead = fanOut.Add(InvocationHandler.Create((Invocation<int, int> _) => throw new BackEndDownException()));
        Task<int>[] calls = [.. Enumerable.Range(0, 5).Select(index => fanOut.InvokeAsync(index).AsTask())];
        foreach (Task<int> call in calls)
        {
            await Assert.ThrowsAsync<InvocationRejectedException>(() => call.Limited());
        }

        Assert.True(dead.IsDown);
        await Assert.ThrowsAsync<InvocationRejectedException>(() => fanOut.InvokeAsync(9).Limited());
        fanOut.Add(Increment);
        Assert.Equal(10, await fanOut.InvokeAsync(9).Limited());
    }

    [Fact]
    public async Task Remove_WithCallsWaiting_TheyGoToTheOthers()
    {
        await using var fanOut = new FanOut<int, int>(new FanOutOptions { Stealing = false });
        var gated = new Gated();
        FanOutBackEnd removed = fanOut.Add(gated);
        Task<int>[] calls = [.. Enumerable.Range(0, 10).Select(index => fanOut.InvokeAsync(index).AsTask())];
        await TimeLimit.UntilAsync(() => removed.Running == 1);
        fanOut.Add(Increment);
        Assert.True(fanOut.Remove(removed));
        Assert.False(fanOut.Remove(removed));
        gated.Open();

        int[] replies = await Task.WhenAll(calls).Limited();
        Assert.Equal(gated.Begun.Single(), replies[gated.Begun.Single()]);
        Assert.Equal(9, replies.Select((reply, index) => reply - index).Sum());
    }

    [Fact]
    public async Task Stop_CallsInside_AreHandledAndNewOnesRejected()
    {
        var fanOut = new FanOut<int, int>();
        var gated = new Gated();
        FanOutBackEnd backEnd = fanOut.Add(gated);
        fanOut.Add(gated);
        Task<int>[] calls = [.. Enumerable.Range(0, 20).Select(index => fanOut.InvokeAsync(index).AsTask())];
        await TimeLimit.UntilAsync(() => backEnd.Running == 1);
        Task stopping = fanOut.StopAsync(CancellationToken.None);

        await Assert.ThrowsAsync<InvocationRejectedException>(() => fanOut.InvokeAsync(99).Limited());
        Assert.Throws<InvalidOperationException>(() => fanOut.Add(Increment));
        Assert.False(stopping.IsCompleted);
        gated.Open();
        Assert.Equal(Enumerable.Range(0, 20), await Task.WhenAll(calls).Limited());
        await stopping.Limited();
    }

    [Fact]
    public async Task Stop_BackEndStalls_CancelledStopRejectsWhatWaits()
    {
        var fanOut = new FanOut<int, int>(new FanOutOptions { QueueCapacity = 4 });
        var stalled = new Gated();
        FanOutBackEnd backEnd = fanOut.Add(stalled);
        Task<int> running = fanOut.InvokeAsync(0).AsTask();
        await TimeLimit.UntilAsync(() => backEnd.Running == 1);
        Task<int>[] waiting = [.. Enumerable.Range(1, 6).Select(index => fanOut.InvokeAsync(index).AsTask())];
        using var cancellation = new CancellationTokenSource();
        Task stopping = fanOut.StopAsync(cancellation.Token);
        Assert.False(stopping.IsCompleted);
        await cancellation.CancelAsync();
        await stopping.Limited();

        foreach (Task<int> call in waiting)
        {
            await Assert.ThrowsAsync<InvocationRejectedException>(() => call.Limited());
        }

        Assert.False(running.IsCompleted);
        stalled.Open();
        Assert.Equal(0, await running.Limited());
        await fanOut.StopAsync(CancellationToken.None).Limited();
    }
}
