using System.Collections.Concurrent;
using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Options;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Methods whose calls run on threads of their own.</summary>
public sealed class DedicatedTests
{
    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Dedicated_HandlerBlocks_OtherMethodsAndDedicatedCallsAreAnswered(TransportKind transport)
    {
        using ManualResetEventSlim release = new();
        await using TestServer server = await StartAsync(release, threads: 2, transport: transport);
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync((byte[])[.. Golden.Call(1, "held"), .. Golden.Call(2, "pool", "own/Other"), .. Golden.Call(3, "free")]);
        Assert.Equal([2u, 3u], (await peer.ReceiveAsync(2)).Select(reply => reply.SequenceId).Order());
        release.Set();

        Assert.Equal(1u, (await peer.ReceiveAsync()).SequenceId);
    }

    [Fact]
    public async Task Dedicated_ItsThreads_AreNamedAndNotOfThePoolAndAsManyAsSet()
    {
        const int Calls = 40;
        ConcurrentDictionary<Thread, bool> threads = [];
        using Barrier together = new(2);
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options => options.Dedicated.ThreadCount = 2,
            App = app => app.MapRpc(Golden.Name, (HelloRequest request) =>
            {
                threads[Thread.CurrentThread] = Thread.CurrentThread.IsThreadPoolThread;
                Assert.True(together.SignalAndWait(TimeLimits.Limit)); // so both threads have one
                return new HelloReply { Msg = Thread.CurrentThread.Name! };
            }).WithScheduling(RpcScheduling.Dedicated),
        });
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(Enumerable.Range(1, Calls).SelectMany(i => Golden.Call((uint)i)).ToArray());
        IReadOnlyList<RawReply> replies = await peer.ReceiveAsync(Calls);

        Assert.Equal(["RPC dedicated 1", "RPC dedicated 2"], replies.Select(reply => reply.Msg).Distinct().Order());
        Assert.Equal(2, threads.Count);
        Assert.DoesNotContain(true, threads.Values);
    }

    [Fact]
    public async Task Dedicated_HandlerAwaits_LeavesItsThreadToOthers()
    {
        TaskCompletionSource release = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options => options.Dedicated.ThreadCount = 1,
            App = app => app.MapRpc(Golden.Name, async (HelloRequest request) =>
            {
                if (request.Msg == "awaits")
                {
                    await release.Task;
                }

                return new HelloReply { Msg = $"{Thread.CurrentThread.IsThreadPoolThread}" };
            }).WithScheduling(RpcScheduling.Dedicated),
        });
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync((byte[])[.. Golden.Call(1, "awaits"), .. Golden.Call(2, "goes on")]);
        RawReply first = await peer.ReceiveAsync();
        Assert.Equal((2u, "False"), (first.SequenceId, first.Msg));
        release.SetResult();

        RawReply second = await peer.ReceiveAsync();
        Assert.Equal((1u, "True"), (second.SequenceId, second.Msg));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Dedicated_QueueIsFull_CallIsRefusedAndTheOthersRun(int version)
    {
        using ManualResetEventSlim release = new();
        using SemaphoreSlim started = new(0);
        await using TestServer server = await StartAsync(release, threads: 1, waiting: 2, started: started);
        await using RawPeer raw = await server.ConnectAsync();
        await using Version2Peer peer = new(raw);
        Func<uint, string, byte[]> hello = version == 1 ? (id, text) => Golden.Call(id, text) : (id, text) => Version2Frames.Hello(id, text);

        await raw.SendAsync(hello(1, "held"));
        Assert.True(await started.WaitAsync(TimeLimits.Limit)); // and is not in the queue any more
        await raw.SendAsync((byte[])[.. hello(2, "free"), .. hello(3, "free"), .. hello(4, "free")]);
        if (version == 1)
        {
            RawReply refused = await raw.ReceiveAsync();
            Assert.Equal(4u, refused.SequenceId);
            release.Set();
            Assert.Equal([1u, 2u, 3u], (await raw.ReceiveAsync(3)).Select(reply => reply.SequenceId).Order());
        }
        else
        {
            Version2Reply refused = await peer.ReceiveResponseAsync(4);
            Assert.Equal(RpcStatusCode.ResourceExhausted, refused.Status.Code);
            Assert.True(refused.Flags.HasFlag(RpcCallBits.NotProcessed));
            release.Set();
            await peer.ReceiveResponseAsync(1);
            await peer.ReceiveResponseAsync(2);
            await peer.ReceiveResponseAsync(3);
        }
    }

    [Fact]
    public async Task Dedicated_AsyncLocalSetByAHandler_IsNotSeenByTheNext()
    {
        AsyncLocal<string?> ambient = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options => options.Dedicated.ThreadCount = 1,
            App = app => app.MapRpc(Golden.Name, (HelloRequest request) =>
            {
                string before = ambient.Value ?? "nothing";
                ambient.Value = request.Msg;
                return new HelloReply { Msg = before };
            }).WithScheduling(RpcScheduling.Dedicated),
        });
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync((byte[])[.. Golden.Call(1, "secret"), .. Golden.Call(2)]);

        Assert.All(await peer.ReceiveAsync(2), reply => Assert.Equal("nothing", reply.Msg));
    }

    [Fact]
    public async Task Dedicated_HostIsDisposedOf_ThreadsEnd()
    {
        Thread? thread = null;
        using ManualResetEventSlim release = new(initialState: true);
        TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app => app.MapRpc(Golden.Name, (HelloRequest request) =>
            {
                thread = Thread.CurrentThread;
                return new HelloReply { Msg = request.Msg };
            }).WithScheduling(RpcScheduling.Dedicated),
        });
        await using (server)
        {
            await using RawPeer peer = await server.ConnectAsync();
            await peer.SendAsync(Golden.Call(1));
            await peer.ReceiveAsync();
            Assert.True(thread!.IsAlive);
        }

        Assert.True(thread.Join(TimeLimits.Limit));
    }

    [Fact]
    public async Task Dedicated_HostStops_RunningAndWaitingCallsAreAnswered()
    {
        using ManualResetEventSlim release = new();
        using SemaphoreSlim started = new(0);
        await using TestServer server = await StartAsync(release, threads: 1, started: started);
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync((byte[])[.. Golden.Call(1, "held"), .. Golden.Call(2, "held")]);
        Assert.True(await started.WaitAsync(TimeLimits.Limit));
        Task stopping = server.StopAsync();
        release.Set();

        Assert.Equal([1u, 2u], (await peer.ReceiveAsync(2)).Select(reply => reply.SequenceId).Order());
        await peer.ExpectEndAsync();
        await stopping.InTime();
    }

    [Theory]
    [InlineData(0, 1000, "Dedicated.ThreadCount is 0; it must be 1 to 1024.")]
    [InlineData(1025, 1000, "Dedicated.ThreadCount is 1025; it must be 1 to 1024.")]
    [InlineData(1, 0, "Dedicated.MaxWaitingCalls is 0; it must be 1 to 1000000.")]
    public async Task Options_OutOfRange_FailTheStart(int threads, int waiting, string message)
    {
        OptionsValidationException exception = await Assert.ThrowsAsync<OptionsValidationException>(
            () => TestServer.StartAsync(new TestServerSetup
            {
                Rpc = options =>
                {
                    options.Dedicated.ThreadCount = threads;
                    options.Dedicated.MaxWaitingCalls = waiting;
                },
            }));

        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }

    private static Task<TestServer> StartAsync(
        ManualResetEventSlim release, int threads, int waiting = 1000, SemaphoreSlim? started = null, TransportKind transport = TransportKind.Sockets) =>
        TestServer.StartAsync(new TestServerSetup
        {
            Transport = transport,
            Rpc = options =>
            {
                options.Dedicated.ThreadCount = threads;
                options.Dedicated.MaxWaitingCalls = waiting;
            },
            App = app =>
            {
                app.MapRpc(Golden.Name, (HelloRequest request) =>
                {
                    started?.Release();
                    if (request.Msg == "held")
                    {
                        Assert.True(release.Wait(TimeLimits.Limit));
                    }

                    return new HelloReply { Msg = request.Msg };
                }).WithScheduling(RpcScheduling.Dedicated);
                app.MapRpc("own/Other", (HelloRequest request) => new HelloReply { Msg = request.Msg });
            },
        });
}
