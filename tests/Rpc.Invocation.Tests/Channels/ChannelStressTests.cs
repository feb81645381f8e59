namespace Kestrel.Rpc.Invocation.Tests;

/// <summary>Many clients and servers on small channels: no call is lost, none is answered twice, nobody sleeps for ever.</summary>
public sealed class ChannelStressTests
{
    private static readonly IInvocationHandler<long, long> Increment = InvocationHandler.FromFunction((long argument) => argument + 1);

    [Theory]
    [InlineData(2, 1)]
    [InlineData(2, 3)]
    [InlineData(64, 2)]
    public async Task Clients_OverSmallChannels_EveryReplyFitsItsCall(int capacity, int servers)
    {
        const int CallsPerClient = 3000;
        var channel = new InvocationChannel<long, long>(new InvocationChannelOptions { Capacity = capacity });
        var server = new InvocationServer<long, long>(channel.Source, Increment);
        Task[] serving = [.. Enumerable.Range(0, servers).Select(index => index == 0 ? Threads.Start(() => server.Run(CancellationToken.None)) : server.RunAsync())];
        Task[] calling = [.. Enumerable.Range(0, 8).Select(client => Task.Run(async () =>
        {
            for (long call = 0; call < CallsPerClient; call++)
            {
                long argument = (client * 1_000_000L) + call;
                Assert.Equal(argument + 1, await channel.Client.InvokeAsync(argument));
            }
        }))];
        await Task.WhenAll(calling).Limited();
        channel.Source.Complete();
        await Task.WhenAll(serving).Limited();
    }

    [Fact]
    public async Task Clients_WithCancellationAndDeferredReplies_EveryCallEnds()
    {
        var channel = new InvocationChannel<long, long>(new InvocationChannelOptions { Capacity = 4 });
        IInvocationHandler<long, long> later = InvocationHandler.Create((Invocation<long, long> invocation) =>
        {
            DeferredReply<long> reply = invocation.Defer();
            long result = invocation.Argument + 1;
            ThreadPool.UnsafeQueueUserWorkItem(_ => reply.Reply(result), null);
        });
        Task serving = new InvocationServer<long, long>(channel.Source, later).RunAsync();
        long replies = 0;
        long cancelled = 0;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(client => Task.Run(async () =>
        {
            for (int call = 0; call < 2000; call++)
            {
                using var cancellation = new CancellationTokenSource();
                Task<long> reply = channel.Client.InvokeAsync(call, cancellation.Token).AsTask();
                if (call % 3 == 0)
                {
                    cancellation.Cancel();
                }

                try
                {
                    Assert.Equal(call + 1, await reply);
                    Interlocked.Increment(ref replies);
                }
                catch (OperationCanceledException)
                {
                    Interlocked.Increment(ref cancelled);
                }
            }
        }))).Limited();
        channel.Source.Complete();
        await serving.Limited();

        Assert.Equal(8000, replies + cancelled);
        Assert.True(replies >= 4 * 1333);
    }

    [Fact]
    public async Task Complete_RacesWithClients_EveryCallEnds()
    {
        for (int round = 0; round < 200; round++)
        {
            var channel = new InvocationChannel<long, long>(new InvocationChannelOptions { Capacity = 2 });
            Task serving = new InvocationServer<long, long>(channel.Source, Increment).RunAsync();
            Task[] calling = [.. Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
            {
                try
                {
                    for (long call = 0; ; call++)
                    {
                        Assert.Equal(call + 1, await channel.Client.InvokeAsync(call));
                    }
                }
                catch (System.Threading.Channels.ChannelClosedException)
                {
                    // The end that was to come.
                }
            }))];
            await Task.Yield();
            channel.Source.Complete();
            await Task.WhenAll(calling).Limited();
            await serving.Limited();
        }
    }
}
