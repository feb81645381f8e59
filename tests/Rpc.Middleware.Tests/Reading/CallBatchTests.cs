using System.Collections.Concurrent;
using Hello;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>The calls of one read on the thread pool: none of them holds back another, or the reader.</summary>
public sealed class CallBatchTests
{
    private static readonly HelloReply Reply = new() { Msg = "Hello world" };

    // Calls that block take a thread each, and the pool adds them one by one: the tests would wait for that, not for the server.
    static CallBatchTests() => ThreadPool.SetMinThreads(16, 16);

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Calls_AllButOneOfAReadBlock_TheOtherIsAnswered(TransportKind transport)
    {
        const int Calls = 6;
        for (uint free = 1; free <= Calls; free++)
        {
            using ManualResetEventSlim release = new();
            await using TestServer server = await TestServer.StartAsync(Blocking(transport, release));
            await using RawPeer peer = await server.ConnectAsync();

            await peer.SendAsync(Enumerable.Range(1, Calls).SelectMany(i => Golden.Call((uint)i, i == free ? "free" : "held")).ToArray());
            Assert.Equal(free, (await peer.ReceiveAsync()).SequenceId);
            release.Set();

            Assert.Equal(Calls - 1, (await peer.ReceiveAsync(Calls - 1)).DistinctBy(reply => reply.SequenceId).Count());
        }
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Calls_LastOfAReadBlocks_TheConnectionIsReadOn(TransportKind transport)
    {
        using ManualResetEventSlim release = new();
        await using TestServer server = await TestServer.StartAsync(Blocking(transport, release));
        await using RawPeer peer = await server.ConnectAsync();

        for (uint i = 1; i <= 4; i++)
        {
            await peer.SendAsync((byte[])[.. Golden.Call(2 * i, "free"), .. Golden.Call((2 * i) + 1, "held")]);
            Assert.Equal(2 * i, (await peer.ReceiveAsync()).SequenceId);
        }

        release.Set();
        Assert.Equal([3u, 5u, 7u, 9u], (await peer.ReceiveAsync(4)).Select(reply => reply.SequenceId).Order());
        await server.StopAsync();
        await server.ExpectNothingLeftAsync();
    }

    [Fact]
    public async Task LastCall_ReadOnAThreadOfThePool_RunsOnThatThread()
    {
        Thread? handlerThread = null;
        Thread? readerThread = null;
        await using MemoryConnection connection = MemoryConnection.Start(
            new CountingPipeWriter(),
            Handler(_ => handlerThread = Thread.CurrentThread),
            options => options.Scheduling = RpcScheduling.ThreadPool);

        // Continuations of this pipe run within the flush, so this thread is the reader.
        await Task.Run(() =>
        {
            readerThread = Thread.CurrentThread;
            connection.Requests.WriteAsync(Golden.Request).AsTask().GetAwaiter().GetResult();
        }).InTime();

        Assert.NotNull(readerThread);
        Assert.Same(readerThread, handlerThread);
    }

    [Fact]
    public async Task LastCall_ReadOnAThreadOutsideThePool_RunsOnThePool()
    {
        using SemaphoreSlim handled = new(0);
        ConcurrentQueue<bool> onPool = [];
        await using MemoryConnection connection = MemoryConnection.Start(
            new CountingPipeWriter(),
            Handler(_ =>
            {
                onPool.Enqueue(Thread.CurrentThread.IsThreadPoolThread);
                handled.Release();
            }),
            options => options.Scheduling = RpcScheduling.ThreadPool);

        Thread loop = new(() => connection.Requests.WriteAsync((byte[])[.. Golden.Request, .. Golden.Request]).AsTask().GetAwaiter().GetResult());
        loop.Start();
        Assert.True(await handled.WaitAsync(TimeLimits.Limit));
        Assert.True(await handled.WaitAsync(TimeLimits.Limit));
        Assert.True(loop.Join(TimeLimits.Limit));

        Assert.Equal([true, true], onPool);
    }

    [Fact]
    public async Task Calls_AsyncLocalAndContextSetByAHandler_AreNotSeenByOthersOfTheRead()
    {
        AsyncLocal<string?> ambient = new();
        int dirty = 0;
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app => app.MapRpc(Golden.Name, (HelloRequest request) =>
            {
                if (ambient.Value is not null || SynchronizationContext.Current is not null)
                {
                    Interlocked.Increment(ref dirty);
                }

                ambient.Value = request.Msg;
                SynchronizationContext.SetSynchronizationContext(new SynchronizationContext());
                return Reply;
            }),
        });
        await using RawPeer peer = await server.ConnectAsync();

        for (int round = 0; round < 5; round++)
        {
            await peer.SendAsync(Enumerable.Range(1, 200).SelectMany(i => Golden.Call((uint)i)).ToArray());
            await peer.ReceiveAsync(200);
        }

        Assert.Equal(0, dirty);
    }

    // The first call blocks, and its connection is over meanwhile: what was read with it must still run and end.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task EndOfStream_BehindTheLastCall_WaitsUntilItHasRun(bool half)
    {
        using ManualResetEventSlim release = new();
        await using TestServer server = await TestServer.StartAsync(Blocking(TransportKind.Sockets, release));
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync((byte[])[.. Golden.Call(1, "free"), .. Golden.Call(2, "held")]);
        Assert.Equal(1u, (await peer.ReceiveAsync()).SequenceId);
        if (half)
        {
            peer.EndSending();
        }
        else
        {
            peer.Reset();
        }

        Assert.Equal(1, server.OpenConnections);
        release.Set();
        if (half)
        {
            Assert.Equal(2u, (await peer.ReceiveAsync()).SequenceId);
            await peer.ExpectEndAsync();
        }

        await server.ExpectNothingLeftAsync();
    }

    internal static RpcBoundHandler Handler(Action<RpcContext> action) => new(
        RpcRequestParsers.Create<HelloRequest>(),
        context =>
        {
            action(context);
            return RpcReplyResults.FromMessage(context, Reply);
        });

    private static TestServerSetup Blocking(TransportKind transport, ManualResetEventSlim release) => new()
    {
        Transport = transport,
        App = app => app.MapRpc(Golden.Name, (HelloRequest request) =>
        {
            if (request.Msg == "held")
            {
                Assert.True(release.Wait(TimeLimits.Limit));
            }

            return Reply;
        }),
    };
}
