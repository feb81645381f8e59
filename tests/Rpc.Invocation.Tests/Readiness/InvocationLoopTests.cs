namespace Kestrel.Rpc.Invocation.Tests;

/// <summary>A multiplexer that serves registered sources, and owns none.</summary>
public sealed class InvocationLoopTests
{
    private static readonly IInvocationHandler<int, int> Increment = InvocationHandler.FromFunction((int argument) => argument + 1);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(-1)]
    public async Task Run_SourcesOfDifferentMessages_AreServed(int spin)
    {
        var numbers = new InvocationChannel<int, int>();
        var words = new InvocationChannel<string, string>();
        using var numberSource = new EventFdSource<int, int>(numbers.Source, Increment);
        using var wordSource = new EventFdSource<string, string>(words.Source, InvocationHandler.FromFunction((string word) => word + "!"));
        using var loop = new InvocationLoop(new InvocationLoopOptions { SpinTime = TimeSpan.FromMilliseconds(spin), Budget = 8 });
        using var cancellation = new CancellationTokenSource();
        loop.Add(numberSource);
        Task running = Threads.Start(() => loop.Run(cancellation.Token));
        loop.Add(wordSource); // also while it runs
        Task calling = Task.Run(async () =>
        {
            for (int call = 0; call < 2000; call++)
            {
                Assert.Equal(call + 1, await numbers.Client.InvokeAsync(call));
            }
        });
        for (int call = 0; call < 500; call++)
        {
            Assert.Equal("hello!", await words.Client.InvokeAsync("hello").Limited());
        }

        await calling.Limited();
        await cancellation.CancelAsync();
        await running.Limited();
        Assert.False(numbers.Source.IsCompleted); // not the loop's to end
        if (spin == -1)
        {
            Assert.Equal(0, loop.Sleeps);
        }
    }

    [Fact]
    public async Task Remove_WhileItRuns_SourceIsServedNoMoreAndCanJoinAnotherLoop()
    {
        var channel = new InvocationChannel<int, int>();
        using var source = new EventFdSource<int, int>(channel.Source, Increment);
        using var first = new InvocationLoop();
        using var second = new InvocationLoop();
        using var cancellation = new CancellationTokenSource();
        Task[] running = [Threads.Start(() => first.Run(cancellation.Token)), Threads.Start(() => second.Run(cancellation.Token))];
        first.Add(source);
        Assert.Equal(2, await channel.Client.InvokeAsync(1).Limited());
        Assert.True(first.Remove(source));
        Assert.False(first.Remove(source));
        Task<int> waiting = channel.Client.InvokeAsync(5).AsTask();
        Assert.Equal(1, channel.Source.Count);
        second.Add(source);

        Assert.Equal(6, await waiting.Limited());
        await cancellation.CancelAsync();
        await Task.WhenAll(running).Limited();
    }

    [Fact]
    public async Task Run_Twice_IsRefused()
    {
        using var loop = new InvocationLoop();
        using var cancellation = new CancellationTokenSource();
        Task running = Threads.Start(() => loop.Run(cancellation.Token));
        await TimeLimit.UntilAsync(() => loop.Sleeps > 0);
        Assert.Throws<InvalidOperationException>(() => loop.Run(cancellation.Token));
        await cancellation.CancelAsync();
        await running.Limited();
    }

    [Fact]
    public async Task Budget_OneSourceHasBulk_TheOtherIsServedBetween()
    {
        var bulk = new InvocationChannel<int, int>();
        var small = new InvocationChannel<int, int>();
        int bulkBefore = -1;
        int bulkHandled = 0;
        using var bulkSource = new EventFdSource<int, int>(bulk.Source, InvocationHandler.FromFunction((int argument) => bulkHandled++));
        using var smallSource = new EventFdSource<int, int>(small.Source, InvocationHandler.FromFunction((int argument) => bulkBefore = bulkHandled));
        for (int call = 0; call < 1000; call++)
        {
            _ = bulk.Client.InvokeAsync(call).AsTask();
        }

        Task<int> reply = small.Client.InvokeAsync(0).AsTask();
        using var loop = new InvocationLoop(new InvocationLoopOptions { Budget = 10 });
        loop.Add(bulkSource);
        loop.Add(smallSource);
        using var cancellation = new CancellationTokenSource();
        Task running = Threads.Start(() => loop.Run(cancellation.Token));
        await reply.Limited();
        await cancellation.CancelAsync();
        await running.Limited();

        Assert.InRange(bulkBefore, 0, 10);
    }
}
