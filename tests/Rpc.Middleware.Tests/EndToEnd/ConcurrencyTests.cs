using Hello;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Many calls of one connection at once.</summary>
public sealed class ConcurrencyTests
{
    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Calls_OneHandlerBlocksItsThread_OthersOvertake(TransportKind transport)
    {
        using ManualResetEventSlim release = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Transport = transport,
            App = app => app.MapRpc(Golden.Name, (HelloRequest request) =>
            {
                if (request.Msg == "slow")
                {
                    Assert.True(release.Wait(TimeLimits.Limit));
                }

                return new HelloReply { Msg = request.Msg };
            }),
        });
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync((byte[])[.. Golden.Call(1, "slow"), .. Golden.Call(2, "fast"), .. Golden.Call(3, "fast")]);
        uint[] first = [(await peer.ReceiveAsync()).SequenceId, (await peer.ReceiveAsync()).SequenceId];
        release.Set();

        Assert.Equal([2u, 3u], first.Order());
        Assert.Equal("slow", (await peer.ReceiveAsync()).Msg);
    }

    [Fact]
    public async Task Calls_InlineHandlerAwaits_OthersOvertake()
    {
        TaskCompletionSource release = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app => app.MapRpc(Golden.Name, async (HelloRequest request) =>
            {
                await (request.Msg == "slow" ? release.Task : Task.CompletedTask);
                return new HelloReply { Msg = request.Msg };
            }).WithScheduling(RpcScheduling.Inline),
        });
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync((byte[])[.. Golden.Call(1, "slow"), .. Golden.Call(2, "fast")]);
        Assert.Equal(2u, (await peer.ReceiveAsync()).SequenceId);
        release.SetResult();

        Assert.Equal(1u, (await peer.ReceiveAsync()).SequenceId);
    }

    [Theory]
    [InlineData(RpcScheduling.ThreadPool)]
    [InlineData(RpcScheduling.Inline)]
    public async Task Calls_AsManyAsAllowedInFlight_ServerStopsReadingUntilOneEnds(RpcScheduling scheduling)
    {
        Gate gate = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options =>
            {
                options.Limits.MaxConcurrentCallsPerConnection = 2;
                options.Scheduling = scheduling;
            },
            App = app => app.MapRpc(Golden.Name, gate.HandleAsync),
        });
        await using RawPeer peer = await server.ConnectAsync();
        await using RawPeer other = await server.ConnectAsync();

        await peer.SendAsync(Enumerable.Range(1, 5).SelectMany(i => Golden.Call((uint)i, $"{i}")).ToArray());
        await gate.WaitForStartedAsync(2);

        // Another connection has places of its own; when it is served, the first would have started a third call by now.
        await other.SendAsync(Golden.Call(9, "free"));
        await other.ReceiveAsync();
        Assert.Equal(2, gate.Started);

        gate.Open();
        Assert.Equal(5, (await peer.ReceiveAsync(5)).DistinctBy(reply => reply.SequenceId).Count());
        Assert.Equal(2, gate.MostAtOnce);
    }

    [Fact]
    public async Task Calls_AsyncLocalSetByInlineHandler_IsNotSeenByTheNext()
    {
        AsyncLocal<string?> ambient = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options => options.Scheduling = RpcScheduling.Inline,
            App = app => app.MapRpc(Golden.Name, (HelloRequest request) =>
            {
                string before = ambient.Value ?? "nothing";
                ambient.Value = request.Msg;
                return new HelloReply { Msg = before };
            }),
        });
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync((byte[])[.. Golden.Call(1, "secret"), .. Golden.Call(2)]);
        IReadOnlyList<RawReply> replies = await peer.ReceiveAsync(2);

        Assert.All(replies, reply => Assert.Equal("nothing", reply.Msg));
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Stress_ManyConnectionsAndCalls_EveryReplyFitsItsCall(TransportKind transport)
    {
        const int Connections = 16;
        const int Calls = 400;
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Transport = transport,
            App = app => app.MapRpc(Golden.Name, async (HelloRequest request) =>
            {
                if (request.Msg.Length % 3 == 0)
                {
                    await Task.Yield();
                }

                return new HelloReply { Msg = $"Hello {request.Msg}" };
            }),
        });

        await Task.WhenAll(Enumerable.Range(0, Connections).Select(async connection =>
        {
            await using RawPeer peer = await server.ConnectAsync();
            Task sending = Task.Run(async () =>
            {
                for (uint i = 0; i < Calls; i++)
                {
                    await peer.SendAsync(Golden.Call(i, $"{connection}.{i}"));
                }
            });
            IReadOnlyList<RawReply> replies = await peer.ReceiveAsync(Calls);
            await sending;
            Assert.Equal(Calls, replies.DistinctBy(reply => reply.SequenceId).Count());
            Assert.All(replies, reply => Assert.Equal($"Hello {connection}.{reply.SequenceId}", reply.Msg));
        }));

        await server.ExpectNothingLeftAsync();
    }
}
