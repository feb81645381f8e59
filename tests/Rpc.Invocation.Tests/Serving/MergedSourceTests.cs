using System.Threading.Channels;

namespace Kestrel.Rpc.Invocation.Tests;

/// <summary>Several sources as one buffer with a pull API.</summary>
public sealed class MergedSourceTests
{
    private static readonly IInvocationHandler<int, int> Increment = InvocationHandler.FromFunction((int argument) => argument + 1);

    private static InvocationChannel<int, int> Channel(int capacity = 1024) => new(new InvocationChannelOptions { Capacity = capacity });

    [Fact]
    public void TryReceive_BulkInOneSource_OthersAreServedInTurn()
    {
        InvocationChannel<int, int>[] channels = [Channel(), Channel(), Channel(), Channel()];
        var merged = new MergedSource<int, int>();
        foreach (InvocationChannel<int, int> channel in channels)
        {
            merged.Add(channel.Source);
        }

        for (int call = 0; call < 500; call++)
        {
            _ = channels[0].Client.InvokeAsync(0).AsTask();
        }

        for (int call = 0; call < 10; call++)
        {
            _ = channels[1].Client.InvokeAsync(1).AsTask();
            _ = channels[3].Client.InvokeAsync(3).AsTask();
        }

        List<int> order = [];
        while (merged.TryReceive(out Invocation<int, int> invocation))
        {
            order.Add(invocation.Argument);
            invocation.Reply(0);
        }

        Assert.Equal(520, order.Count);
        Assert.Equal(Enumerable.Range(0, 30).Select(index => index % 3 == 2 ? 3 : index % 3), order.Take(30));
    }

    [Fact]
    public async Task Receive_SourcesThatComeAndGo_AreAllServed()
    {
        var merged = new MergedSource<int, int>();
        Task<Invocation<int, int>> receive = merged.ReceiveAsync().AsTask();
        InvocationChannel<int, int> first = Channel();
        InvocationChannel<int, int> second = Channel();
        Task<int> waiting = second.Client.InvokeAsync(2).AsTask();
        merged.Add(first.Source);
        Assert.False(receive.IsCompleted);
        merged.Add(second.Source); // with a call inside: the one who waits hears of it

        (await receive.Limited()).Reply(20);
        Assert.Equal(20, await waiting.Limited());

        Assert.True(merged.Remove(second.Source));
        Assert.False(merged.Remove(second.Source));
        _ = second.Client.InvokeAsync(3).AsTask();
        Assert.False(merged.TryReceive(out _));
        Assert.True(second.Source.TryReceive(out _)); // still its owner's
        Assert.Equal(1, merged.SourceCount);
    }

    [Fact]
    public async Task Complete_LastSourceEnds_MergedEnds()
    {
        var merged = new MergedSource<int, int>();
        InvocationChannel<int, int> first = Channel();
        InvocationChannel<int, int> second = Channel();
        merged.Add(first.Source);
        merged.Add(second.Source);
        Task serving = new InvocationServer<int, int>(merged, Increment).RunAsync();
        Task<Invocation<int, int>> waiting = merged.ReceiveAsync().AsTask();
        first.Source.Complete();
        await TimeLimit.UntilAsync(() => !merged.TryReceive(out _) && merged.SourceCount == 1);
        merged.Complete();
        Assert.False(merged.IsCompleted);
        Assert.Throws<InvalidOperationException>(() => merged.Add(Channel().Source));
        second.Source.Complete();

        await serving.Limited();
        await Assert.ThrowsAsync<ChannelClosedException>(() => waiting.Limited());
        Assert.True(merged.IsCompleted);
    }

    [Fact]
    public async Task Complete_WithoutSources_EndsAtOnce()
    {
        var merged = new MergedSource<int, int>();
        Task serving = new InvocationServer<int, int>(merged, Increment).RunAsync();
        merged.Complete();
        await serving.Limited();
    }

    [Fact]
    public void Add_Twice_IsRefused()
    {
        var merged = new MergedSource<int, int>();
        InvocationChannel<int, int> channel = Channel();
        merged.Add(channel.Source);
        Assert.Throws<InvalidOperationException>(() => merged.Add(channel.Source));
    }

    /// <summary>One receiver is told of the first call and keeps busy with it: the second call is for the one who still sleeps.</summary>
    [Fact]
    public async Task Receivers_OneIsBusy_TheOtherIsWokenForTheNextCall()
    {
        for (int round = 0; round < 200; round++)
        {
            InvocationChannel<int, int> channel = Channel();
            var merged = new MergedSource<int, int>();
            merged.Add(channel.Source);
            Task<Invocation<int, int>> one = merged.ReceiveAsync().AsTask();
            Task<Invocation<int, int>> two = merged.ReceiveAsync().AsTask();
            Task<int> first = channel.Client.InvokeAsync(1).AsTask();
            Task<int> second = channel.Client.InvokeAsync(2).AsTask();

            (await one.Limited()).Reply(0);
            (await two.Limited()).Reply(0);
            await Task.WhenAll(first, second).Limited();
        }
    }

    [Fact]
    public async Task Stress_ManySourcesClientsAndReceivers_EveryCallIsAnswered()
    {
        InvocationChannel<int, int>[] channels = [Channel(2), Channel(4), Channel(64)];
        var merged = new MergedSource<int, int>();
        foreach (InvocationChannel<int, int> channel in channels)
        {
            merged.Add(channel.Source);
        }

        var server = new InvocationServer<int, int>(merged, Increment);
        Task[] serving = [server.RunAsync(), server.RunAsync(), Threads.Start(() => server.Run(CancellationToken.None))];
        await Task.WhenAll(Enumerable.Range(0, 6).Select(client => Task.Run(async () =>
        {
            for (int call = 0; call < 2000; call++)
            {
                Assert.Equal(call + 1, await channels[client % 3].Client.InvokeAsync(call));
            }
        }))).Limited();
        merged.Complete();
        foreach (InvocationChannel<int, int> channel in channels)
        {
            channel.Source.Complete();
        }

        await Task.WhenAll(serving).Limited();
    }

    [Fact]
    public async Task Merged_OfMerged_Works()
    {
        InvocationChannel<int, int> channel = Channel();
        var inner = new MergedSource<int, int>();
        var outer = new MergedSource<int, int>();
        inner.Add(channel.Source);
        outer.Add(inner);
        Task serving = new InvocationServer<int, int>(outer, Increment).RunAsync();
        for (int call = 0; call < 200; call++)
        {
            Assert.Equal(call + 1, await channel.Client.InvokeAsync(call).Limited());
        }

        outer.Complete();
        inner.Complete();
        channel.Source.Complete();
        await serving.Limited();
    }
}
