using System.Threading.Channels;

namespace Kestrel.Rpc.Invocation.Tests;

/// <summary>The in-process channel: client on one side, server on the other, a bound between them.</summary>
public sealed class ChannelTests
{
    private static readonly IInvocationHandler<int, int> Increment = InvocationHandler.FromFunction((int argument) => argument + 1);

    private static InvocationChannel<int, int> Create(int capacity) => new(new InvocationChannelOptions { Capacity = capacity });

    [Fact]
    public async Task Invoke_ServerReplies_ClientGetsIt()
    {
        var channel = new InvocationChannel<int, int>();
        ValueTask<int> reply = channel.Client.InvokeAsync(41);
        Assert.True(channel.Source.TryReceive(out Invocation<int, int> invocation));
        Assert.Equal(41, invocation.Argument);
        Assert.False(reply.IsCompleted);
        invocation.Reply(42);

        Assert.Equal(42, await reply.Limited());
    }

    [Fact]
    public async Task Invoke_Messages_AreTheSameObjects()
    {
        var channel = new InvocationChannel<object, object>();
        Task serving = new InvocationServer<object, object>(channel.Source, InvocationHandler.FromFunction((object message) => message)).RunAsync();
        object sent = new();

        Assert.Same(sent, await channel.Client.InvokeAsync(sent).Limited());
        channel.Source.Complete();
        await serving.Limited();
    }

    [Fact]
    public async Task Invoke_Full_WaitsForRoom()
    {
        InvocationChannel<int, int> channel = Create(2);
        List<Task<int>> replies = [.. Enumerable.Range(0, 5).Select(index => channel.Client.InvokeAsync(index).AsTask())];

        Assert.Equal(2, channel.Source.Count);
        for (int index = 0; index < 5; index++)
        {
            Invocation<int, int> invocation = await channel.Source.ReceiveAsync().Limited();
            Assert.InRange(channel.Source.Count, 0, 2);
            invocation.Reply(invocation.Argument + 10);
        }

        Assert.Equal((int[])[10, 11, 12, 13, 14], await Task.WhenAll(replies).Limited());
    }

    [Fact]
    public async Task TryInvoke_Full_SaysSoAtOnce()
    {
        InvocationChannel<int, int> channel = Create(2);
        Assert.True(channel.Client.TryInvoke(1, out ValueTask<int> first));
        Assert.True(channel.Client.TryInvoke(2, out ValueTask<int> second));
        Assert.False(channel.Client.TryInvoke(3, out _));
        Assert.True(channel.Source.TryReceive(out Invocation<int, int> invocation));
        Assert.True(channel.Client.TryInvoke(4, out ValueTask<int> third));

        invocation.Reply(0);
        Assert.Equal(0, await first.Limited());
        channel.Source.Dispose();
        await Assert.ThrowsAsync<InvocationDroppedException>(() => second.Limited());
        await Assert.ThrowsAsync<InvocationDroppedException>(() => third.Limited());
    }

    [Fact]
    public async Task Invoke_CancelledWhileFull_LeavesNothingBehind()
    {
        InvocationChannel<int, int> channel = Create(2);
        Task<int>[] inside = [channel.Client.InvokeAsync(1).AsTask(), channel.Client.InvokeAsync(2).AsTask()];
        using var cancellation = new CancellationTokenSource();
        Task<int> waiting = channel.Client.InvokeAsync(3, cancellation.Token).AsTask();
        Task<int> patient = channel.Client.InvokeAsync(4).AsTask();
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.Limited());

        Task serving = new InvocationServer<int, int>(channel.Source, Increment).RunAsync();
        Assert.Equal((int[])[2, 3], await Task.WhenAll(inside).Limited());
        Assert.Equal(5, await patient.Limited());
        channel.Source.Complete();
        await serving.Limited();
    }

    [Fact]
    public async Task Invoke_CancelledBefore_MakesNoCall()
    {
        var channel = new InvocationChannel<int, int>();
        var cancelled = new CancellationToken(canceled: true);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => channel.Client.InvokeAsync(1, cancelled).Limited());
        Assert.Equal(0, channel.Source.Count);
    }

    [Fact]
    public async Task Invoke_CancelledWhileHandled_CallerLeavesAndTheHandlersReplyIsNoError()
    {
        var channel = new InvocationChannel<int, int>();
        using var cancellation = new CancellationTokenSource();
        Task<int> call = channel.Client.InvokeAsync(1, cancellation.Token).AsTask();
        Assert.True(channel.Source.TryReceive(out Invocation<int, int> invocation));
        Assert.False(invocation.CancellationToken.IsCancellationRequested);
        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.Limited());
        Assert.True(invocation.CancellationToken.IsCancellationRequested);
        invocation.Reply(1);
        Assert.Throws<InvalidOperationException>(() => invocation.Reply(2));
    }

    [Fact]
    public async Task Complete_ClientsThatWaitAndNewOnes_AreToldAndTheRestIsServed()
    {
        InvocationChannel<int, int> channel = Create(2);
        Task<int>[] inside = [channel.Client.InvokeAsync(1).AsTask(), channel.Client.InvokeAsync(2).AsTask()];
        Task<int> waiting = channel.Client.InvokeAsync(3).AsTask();
        channel.Source.Complete();

        await Assert.ThrowsAsync<ChannelClosedException>(() => waiting.Limited());
        await Assert.ThrowsAsync<ChannelClosedException>(() => channel.Client.InvokeAsync(4).Limited());
        Assert.False(channel.Client.TryInvoke(5, out _));
        await new InvocationServer<int, int>(channel.Source, Increment).RunAsync().Limited();
        Assert.Equal((int[])[2, 3], await Task.WhenAll(inside).Limited());
        await Assert.ThrowsAsync<ChannelClosedException>(() => channel.Source.ReceiveAsync().Limited());
    }

    [Fact]
    public async Task Complete_ReceiversThatWait_AreTold()
    {
        var channel = new InvocationChannel<int, int>();
        Task<Invocation<int, int>>[] waiting = [channel.Source.ReceiveAsync().AsTask(), channel.Source.ReceiveAsync().AsTask()];
        Task<bool> blocking = Task.Run(() => channel.Source.Receive(out _));
        channel.Client.Complete();

        foreach (Task<Invocation<int, int>> receive in waiting)
        {
            await Assert.ThrowsAsync<ChannelClosedException>(() => receive.Limited());
        }

        Assert.False(await blocking.Limited());
    }

    [Fact]
    public async Task Receive_Cancelled_EndsAndTakesNoCall()
    {
        var channel = new InvocationChannel<int, int>();
        using var cancellation = new CancellationTokenSource();
        Task receive = channel.Source.ReceiveAsync(cancellation.Token).AsTask();
        Task blocking = Task.Run(() => channel.Source.Receive(out _, cancellation.Token));
        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => receive.Limited());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => blocking.Limited());
        _ = channel.Client.InvokeAsync(1).AsTask();
        Assert.Equal(1, (await channel.Source.ReceiveAsync().Limited()).Argument);
    }

    [Fact]
    public async Task ReceiveAll_GivesCallsUntilTheEnd()
    {
        var channel = new InvocationChannel<int, int>();
        Task<int>[] replies = [.. Enumerable.Range(0, 3).Select(index => channel.Client.InvokeAsync(index).AsTask())];
        channel.Client.Complete();
        await foreach (Invocation<int, int> invocation in channel.Source.ReceiveAllAsync())
        {
            invocation.Reply(invocation.Argument * 2);
        }

        Assert.Equal((int[])[0, 2, 4], await Task.WhenAll(replies).Limited());
    }

    [Fact]
    public async Task Send_CallOfSomebodyElse_ItsReplyReachesTheCaller()
    {
        InvocationChannel<int, int> front = Create(4);
        InvocationChannel<int, int> back = Create(2);
        Task serving = new InvocationServer<int, int>(front.Source, back.Client).RunAsync(); // the channel's client is a handler
        Task<int>[] replies = [.. Enumerable.Range(0, 20).Select(index => front.Client.InvokeAsync(index).AsTask())];
        await TimeLimit.UntilAsync(() => back.Source.Count == 2);
        Task answering = new InvocationServer<int, int>(back.Source, Increment).RunAsync();

        Assert.Equal(Enumerable.Range(1, 20), await Task.WhenAll(replies).Limited());
        front.Source.Complete();
        await serving.Limited();
        back.Source.Complete();
        await answering.Limited();
    }

    [Fact]
    public async Task Send_AnsweredWhileItWaitsForRoom_NextOneGetsTheRoom()
    {
        InvocationChannel<int, int> channel = Create(2);
        Assert.True(channel.Client.TrySend(new Invocation<int, int>(1, _ => { })));
        Assert.True(channel.Client.TrySend(new Invocation<int, int>(2, _ => { })));
        var answered = new Invocation<int, int>(3, _ => { });
        Task first = channel.Client.SendAsync(answered).AsTask();
        Task second = channel.Client.SendAsync(new Invocation<int, int>(4, _ => { })).AsTask();
        answered.Reply(0);
        Assert.True(channel.Source.TryReceive(out Invocation<int, int> received)); // room for one: the first one is told
        received.Reply(0);

        await Assert.ThrowsAsync<InvalidOperationException>(() => first.Limited());
        await second.Limited();
        channel.Source.Dispose();
    }

    [Fact]
    public void TrySend_Full_LeavesTheInvocationAsItWas()
    {
        InvocationChannel<int, int> channel = Create(2);
        List<InvocationResult<int>> replies = [];
        Assert.True(channel.Client.TrySend(new Invocation<int, int>(1, replies.Add)));
        Assert.True(channel.Client.TrySend(new Invocation<int, int>(2, replies.Add)));
        var third = new Invocation<int, int>(3, replies.Add);

        Assert.False(channel.Client.TrySend(third));
        Assert.True(third.IsOpen);
        third.Reply(33);
        Assert.Equal(33, Assert.Single(replies).Value);
        Assert.Throws<InvalidOperationException>(() => channel.Client.TrySend(third));
        channel.Source.Dispose();
        Assert.Equal(3, replies.Count);
    }

    [Fact]
    public async Task Invoke_Blocking_SleepsAndSpins()
    {
        foreach (TimeSpan spin in new[] { TimeSpan.Zero, TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan })
        {
            var channel = new InvocationChannel<int, int>(new InvocationChannelOptions { ReplySpinTime = spin });
            Task serving = new InvocationServer<int, int>(channel.Source, Increment).RunAsync();
            await Threads.Start(() =>
            {
                for (int call = 0; call < 1000; call++)
                {
                    Assert.Equal(call + 1, channel.Client.Invoke(call));
                }
            }).Limited();
            channel.Source.Complete();
            await serving.Limited();
        }
    }

    [Fact]
    public void Options_OutOfRange_AreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Create(0));
        Assert.Throws<ArgumentOutOfRangeException>(
            () => new InvocationChannel<int, int>(new InvocationChannelOptions { ReplySpinTime = TimeSpan.FromSeconds(-2) }));
    }

    [Fact]
    public async Task Inline_ContinuesOnTheRepliersThread()
    {
        var channel = new InvocationChannel<int, int>(new InvocationChannelOptions { ContinuesInline = true });
        int continuedOn = 0;
        async Task CallAsync()
        {
            await channel.Client.InvokeAsync(1).ConfigureAwait(false);
            continuedOn = Environment.CurrentManagedThreadId;
        }

        Task call = CallAsync();
        int repliedOn = 0;
        await Threads.Start(() =>
        {
            Assert.True(channel.Source.TryReceive(out Invocation<int, int> invocation));
            repliedOn = Environment.CurrentManagedThreadId;
            invocation.Reply(1);
        }).Limited();
        await call.Limited();

        Assert.Equal(repliedOn, continuedOn);
    }
}
