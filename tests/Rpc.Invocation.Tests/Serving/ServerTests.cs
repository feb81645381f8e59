namespace Kestrel.Rpc.Invocation.Tests;

/// <summary>A source and a root handler, with a plain loop, without a thread, or polling.</summary>
public sealed class ServerTests
{
    private static readonly IInvocationHandler<int, int> Increment = InvocationHandler.FromFunction((int argument) => argument + 1);

    public static TheoryData<bool, int> Loops => new()
    {
        { true, 0 }, { true, 1 }, { true, -1 }, { false, 0 }, { false, 1 }, { false, -1 },
    };

    /// <summary>A loop on a thread of its own or on the pool; -1: polling without end, else the spin time in milliseconds.</summary>
    private static Task StartAsync(
        IInvocationSource<int, int> source, IInvocationHandler<int, int> handler, bool isBlocking, int spin, int maxConcurrency = 1024, CancellationToken cancellation = default)
    {
        var server = new InvocationServer<int, int>(source, handler, new InvocationServerOptions
        {
            SpinTime = TimeSpan.FromMilliseconds(spin),
            MaxConcurrency = maxConcurrency,
        });
        return isBlocking ? Threads.Start(() => server.Run(cancellation)) : server.RunAsync(cancellation);
    }

    [Theory]
    [MemberData(nameof(Loops))]
    public async Task Run_Calls_AreAnsweredUntilTheSourceEnds(bool isBlocking, int spin)
    {
        var channel = new InvocationChannel<int, int>();
        Task serving = StartAsync(channel.Source, Increment, isBlocking, spin);
        for (int call = 0; call < 500; call++)
        {
            Assert.Equal(call + 1, await channel.Client.InvokeAsync(call).Limited());
        }

        channel.Source.Complete();
        await serving.Limited();
    }

    [Theory]
    [MemberData(nameof(Loops))]
    public async Task Run_Cancelled_EndsAndLeavesTheSource(bool isBlocking, int spin)
    {
        var channel = new InvocationChannel<int, int>();
        using var cancellation = new CancellationTokenSource();
        Task serving = StartAsync(channel.Source, Increment, isBlocking, spin, cancellation: cancellation.Token);
        Assert.Equal(2, await channel.Client.InvokeAsync(1).Limited());
        await cancellation.CancelAsync();
        await serving.Limited();

        Task<int> later = channel.Client.InvokeAsync(5).AsTask();
        Assert.Equal(1, channel.Source.Count);
        Task again = StartAsync(channel.Source, Increment, isBlocking, spin);
        Assert.Equal(6, await later.Limited());
        channel.Source.Complete();
        await again.Limited();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Run_HandlersThatWait_AreBoundedAndTheRestStaysInTheSource(bool isBlocking)
    {
        var channel = new InvocationChannel<int, int>(new InvocationChannelOptions { Capacity = 64 });
        var gate = new TaskCompletionSource();
        int running = 0;
        IInvocationHandler<int, int> slow = InvocationHandler.FromAsyncFunction<int, int>(async (argument, _) =>
        {
            Interlocked.Increment(ref running);
            await gate.Task;
            return argument;
        });
        Task serving = StartAsync(channel.Source, slow, isBlocking, 0, maxConcurrency: 3);
        Task<int>[] calls = [.. Enumerable.Range(0, 10).Select(index => channel.Client.InvokeAsync(index).AsTask())];
        await TimeLimit.UntilAsync(() => Volatile.Read(ref running) == 3 && channel.Source.Count == 7);
        channel.Source.Complete();
        Assert.False(serving.IsCompleted);
        gate.SetResult();

        Assert.Equal(Enumerable.Range(0, 10), await Task.WhenAll(calls).Limited());
        await serving.Limited();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Run_SourceEnds_WaitsForHandlersThatRun(bool isBlocking)
    {
        var channel = new InvocationChannel<int, int>();
        var gate = new TaskCompletionSource();
        var entered = new TaskCompletionSource();
        IInvocationHandler<int, int> slow = InvocationHandler.FromAsyncFunction<int, int>(async (argument, _) =>
        {
            entered.SetResult();
            await gate.Task;
            return argument;
        });
        Task serving = StartAsync(channel.Source, slow, isBlocking, 0);
        Task<int> call = channel.Client.InvokeAsync(1).AsTask();
        await entered.Task.Limited();
        channel.Source.Complete();
        Assert.False(serving.IsCompleted);
        gate.SetResult();

        await serving.Limited();
        Assert.Equal(1, await call.Limited());
    }

    [Fact]
    public async Task Run_HandlerThrows_FailsItsCallAndGoesOn()
    {
        var channel = new InvocationChannel<int, int>();
        IInvocationHandler<int, int> picky = InvocationHandler.FromFunction((int argument) =>
            argument % 2 == 0 ? argument : throw new ArgumentException($"{argument} is odd"));
        Task serving = StartAsync(channel.Source, picky, isBlocking: false, 0);

        for (int call = 0; call < 100; call += 2)
        {
            Assert.Equal(call, await channel.Client.InvokeAsync(call).Limited());
            await Assert.ThrowsAsync<ArgumentException>(() => channel.Client.InvokeAsync(call + 1).Limited());
        }

        channel.Source.Complete();
        await serving.Limited();
    }

    [Fact]
    public async Task Run_HandlerFailsAfterItsReply_IsReportedAndTheServerGoesOn()
    {
        var channel = new InvocationChannel<int, int>();
        var fault = new TaskCompletionSource<Exception>();
        IInvocationHandler<int, int> hasty = InvocationHandler.Create((Invocation<int, int> invocation) =>
        {
            invocation.Reply(invocation.Argument);
            if (invocation.Argument == 1)
            {
                invocation.Reply(2);
            }
        });
        var server = new InvocationServer<int, int>(channel.Source, hasty, new InvocationServerOptions { OnFault = e => fault.TrySetResult(e) });
        Task serving = server.RunAsync();

        Assert.Equal(1, await channel.Client.InvokeAsync(1).Limited());
        Assert.IsType<InvalidOperationException>(await fault.Task.Limited());
        Assert.Equal(5, await channel.Client.InvokeAsync(5).Limited());
        channel.Source.Complete();
        await serving.Limited();
    }

    [Fact]
    public async Task Polling_Server_IsNeverWoken()
    {
        var channel = new InvocationChannel<int, int>();
        var source = new CountingSource(channel.Source);
        Task serving = StartAsync(source, Increment, isBlocking: true, spin: -1);
        for (int call = 0; call < 300; call++)
        {
            Assert.Equal(call + 1, await channel.Client.InvokeAsync(call).Limited());
        }

        channel.Source.Complete();
        await serving.Limited();
        Assert.Equal(0, source.Arms);
    }

    [Fact]
    public async Task SpinLimit_IsOver_ServerSleepsAndIsWoken()
    {
        var channel = new InvocationChannel<int, int>();
        var source = new CountingSource(channel.Source);
        var server = new InvocationServer<int, int>(source, Increment, new InvocationServerOptions
        {
            SpinTime = TimeSpan.FromMilliseconds(50),
            TimeProvider = new LeapingTime(), // every look at the clock is 10 ms later
        });
        Task serving = Threads.Start(() => server.Run(CancellationToken.None));
        for (int call = 0; call < 3; call++)
        {
            int arms = call;
            await TimeLimit.UntilAsync(() => source.Arms > arms);
            Assert.Equal(call + 1, await channel.Client.InvokeAsync(call).Limited());
        }

        channel.Source.Complete();
        await serving.Limited();
    }

    [Fact]
    public void Options_OutOfRange_AreRefused()
    {
        var channel = new InvocationChannel<int, int>();
        Assert.Throws<ArgumentOutOfRangeException>(
            () => new InvocationServer<int, int>(channel.Source, Increment, new InvocationServerOptions { MaxConcurrency = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(
            () => new InvocationServer<int, int>(channel.Source, Increment, new InvocationServerOptions { SpinTime = TimeSpan.FromSeconds(-3) }));
    }

    private sealed class CountingSource(IInvocationSource<int, int> inner) : IInvocationSource<int, int>
    {
        private int _arms;

        public int Arms => Volatile.Read(ref _arms);

        public bool IsCompleted => inner.IsCompleted;

        public bool IsReady => inner.IsReady;

        public bool TryReceive(out Invocation<int, int> invocation) => inner.TryReceive(out invocation);

        public void Arm(SourceWaiter waiter)
        {
            Interlocked.Increment(ref _arms);
            inner.Arm(waiter);
        }

        public bool Disarm(SourceWaiter waiter) => inner.Disarm(waiter);
    }

    private sealed class LeapingTime : TimeProvider
    {
        private long _now = 1;

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => Interlocked.Add(ref _now, 10);
    }
}
