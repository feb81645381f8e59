using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Unary calls of version 2, seen from the wire.</summary>
public sealed class Version2CallTests
{
    public static TheoryData<TransportKind> Transports => [TransportKind.Sockets, TransportKind.Epoll, TransportKind.IoUring];

    [Theory, MemberData(nameof(Transports))]
    public async Task Hello_ByNameAndByIndex_IsAnswered(TransportKind transport)
    {
        await using TestServer server = await TestServer.StartAsync(transport);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Hello(1, "one", index: 1));
        Assert.Equal("Hello one", (await peer.ReceiveResponseAsync(1)).Text);
        await peer.SendAsync(Version2Frames.HelloByIndex(2, 1, "two"), Version2Frames.Hello(3, "three"));
        Version2Reply[] replies = [await peer.ReceiveAsync(), await peer.ReceiveAsync()];
        Assert.Equal(["Hello three", "Hello two"], replies.Select(reply => reply.Text).Order());
        Assert.All(replies, reply => Assert.Equal(0u, reply.Header.ProtocolDataLength)); // OK takes no header
    }

    [Fact]
    public async Task Hello_SplitAtEveryByte_IsAnswered()
    {
        await using TestServer server = await TestServer.StartAsync(TransportKind.Sockets);
        byte[] metadataFrame = Version2Frames.Hello(2, "b", new RpcCallHeader { Metadata = [new RpcMetadataEntry("key", "value")], Timeout = TimeSpan.FromMinutes(1) });
        byte[] bytes = [.. Version2Frames.Hello(1, "a", index: 1), .. metadataFrame, .. Version2Frames.HelloByIndex(3, 1, "c"), .. Version2Frames.Ping(4)];
        for (int at = 1; at < bytes.Length; at++)
        {
            await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
            await peer.Raw.SendAsync(bytes.AsMemory(0, at));
            await Task.Yield();
            await peer.Raw.SendAsync(bytes.AsMemory(at));
            Version2Reply[] replies = [await peer.ReceiveAsync(), await peer.ReceiveAsync(), await peer.ReceiveAsync(), await peer.ReceiveAsync()];
            Assert.Equal(["Hello a", "Hello b", "Hello c"], replies.Where(reply => reply.Type == RpcFrameType.Response).Select(reply => reply.Text).Order());
            Assert.Equal([0, 0, 0, 0, 0, 0, 0, 4], Assert.Single(replies, reply => reply.Type == RpcFrameType.Pong).Body);
        }
    }

    [Fact]
    public async Task Method_Unknown_IsUnimplementedEachTimeAndTheConnectionGoesOn()
    {
        await using TestServer server = await TestServer.StartAsync(TransportKind.Sockets);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Hello(1, name: "helloworld/Nope", index: 1), Version2Frames.HelloByIndex(2, 1));
        foreach (uint id in (uint[])[1, 2])
        {
            Version2Reply reply = await peer.ReceiveResponseAsync(id);
            Assert.Equal(new RpcStatus(RpcStatusCode.Unimplemented, "Service 'helloworld' has no method 'Nope'."), reply.Status);
            Assert.Equal(RpcCallBits.NoMessage | RpcCallBits.NotProcessed, reply.Flags);
        }

        await peer.SendAsync(Version2Frames.Hello(3));
        Assert.Equal("Hello world", (await peer.ReceiveResponseAsync(3)).Text);
    }

    [Fact]
    public async Task Metadata_BothWays_Arrives()
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app => app.MapRpc(Golden.Name, (HelloRequest request, RpcContext context) =>
            {
                Assert.Equal(2, context.ProtocolVersion);
                context.ReplyMetadata.Add("ahead", context.RequestMetadata.GetValue("key")!);
                context.ReplyTrailers.Add("behind-bin", [1, 2, 3]);
                return new HelloReply { Msg = $"{context.RequestMetadata.Count}" };
            }),
        });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Hello(1, header: new RpcCallHeader { Metadata = [new RpcMetadataEntry("key", "ü"), new RpcMetadataEntry("other", "")] }));
        Version2Reply reply = await peer.ReceiveResponseAsync(1);
        Assert.Equal("2", reply.Text);
        Assert.Equal("ü", reply.Metadata.GetValue("ahead"));
        Assert.Equal([1, 2, 3], reply.Trailers.GetValueBytes("behind-bin")!.Value.ToArray());
    }

    [Fact]
    public async Task Handler_Throws_StatusDetailsAndTrailersArrive()
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app => app.MapRpc(Golden.Name, HelloReply (HelloRequest request) => throw (request.Msg == "status"
                ? new RpcException(new RpcStatus(RpcStatusCode.NotFound, "no such thing", new byte[] { 7, 8 }), [new RpcMetadataEntry("hint", "look elsewhere")])
                : new InvalidOperationException("secret"))),
        });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Hello(1, "status"));
        Version2Reply reply = await peer.ReceiveResponseAsync(1);
        Assert.Equal(new RpcStatus(RpcStatusCode.NotFound, "no such thing", new byte[] { 7, 8 }), reply.Status);
        Assert.Equal("look elsewhere", reply.Trailers.GetValue("hint"));
        Assert.Equal(RpcCallBits.NoMessage, reply.Flags);

        await peer.SendAsync(Version2Frames.Hello(2, "other"));
        Assert.Equal(new RpcStatus(RpcStatusCode.Unknown, "The handler failed."), (await peer.ReceiveResponseAsync(2)).Status);
    }

    [Fact]
    public async Task Handler_MoreMetadataThanAFrameTakes_TheErrorArrives()
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app => app.MapRpc(Golden.Name, (HelloRequest request, RpcContext context) =>
            {
                context.ReplyTrailers.Add("much-bin", new byte[100_000]);
                return new HelloReply();
            }),
        });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Hello(1));
        Assert.Equal(RpcStatusCode.ResourceExhausted, (await peer.ReceiveResponseAsync(1)).Status.Code);
        await peer.SendAsync(Version2Frames.Ping(1));
        Assert.Equal(RpcFrameType.Pong, (await peer.ReceiveAsync()).Type);
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task Cancel_WhileTheHandlerRuns_ItsTokenFires(TransportKind transport)
    {
        Gate gate = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup { Transport = transport, App = app => app.MapRpc(Golden.Name, gate.HandleAsync) });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Hello(1, index: 1), Version2Frames.HelloByIndex(2, 1), Version2Frames.HelloByIndex(3, 1));
        await gate.WaitForStartedAsync(3);
        await peer.SendAsync(Version2Frames.Cancel(2), Version2Frames.Cancel(99), Version2Frames.HelloByIndex(4, 1, "free"));
        Version2Reply[] replies = [await peer.ReceiveAsync(), await peer.ReceiveAsync()];
        Assert.Equal(RpcStatusCode.Cancelled, Assert.Single(replies, reply => reply.Id == 2).Status.Code);
        Assert.Equal("free", Assert.Single(replies, reply => reply.Id == 4).Text);
        Assert.Equal(1, gate.Cancelled);
        gate.Open();
        Assert.Equal([1u, 3u], ((Version2Reply[])[await peer.ReceiveAsync(), await peer.ReceiveAsync()]).Select(reply => reply.Id).Order());
    }

    [Fact]
    public async Task Cancel_ManyTimesAndAtEveryMoment_NeverReachesAnotherCall()
    {
        // Each call waits for its own cancellation or ends at once; one that is cancelled without having asked for it would show.
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app => app.MapRpc(Golden.Name, async (HelloRequest request, CancellationToken token) =>
            {
                if (request.Msg == "wait")
                {
                    await Task.Delay(Timeout.Infinite, token);
                }

                await Task.Yield();
                token.ThrowIfCancellationRequested();
                return new HelloReply { Msg = request.Msg };
            }),
        });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Hello(1, "first", index: 1));
        await peer.ReceiveResponseAsync(1);
        for (uint id = 2; id < 1000; id += 4)
        {
            // The second may have ended when its CANCEL comes; the others must not feel it.
            await peer.SendAsync(
                Version2Frames.HelloByIndex(id, 1, "wait"), Version2Frames.HelloByIndex(id + 1, 1, "maybe"), Version2Frames.Cancel(id + 1), Version2Frames.Cancel(id),
                Version2Frames.HelloByIndex(id + 2, 1, "kept"), Version2Frames.HelloByIndex(id + 3, 1, "kept too"));
            Dictionary<uint, Version2Reply> replies = [];
            for (int i = 0; i < 4; i++)
            {
                Version2Reply reply = await peer.ReceiveAsync();
                replies.Add(reply.Id, reply);
            }

            Assert.Equal(RpcStatusCode.Cancelled, replies[id].Status.Code);
            Assert.Contains(replies[id + 1].Status.Code, new[] { RpcStatusCode.Ok, RpcStatusCode.Cancelled });
            Assert.Equal("kept", replies[id + 2].Text);
            Assert.Equal("kept too", replies[id + 3].Text);
        }
    }

    [Fact]
    public async Task Timeout_RunsOut_TokenFiresAndTheCallFails()
    {
        Gate gate = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app => app.MapRpc(Golden.Name, (HelloRequest request, RpcContext context) =>
            {
                Assert.InRange(context.TimeLeft!.Value, TimeSpan.FromMinutes(-1), TimeSpan.FromMilliseconds(50));
                return gate.HandleAsync(request, context.CancellationToken);
            }),
        });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Hello(1, header: new RpcCallHeader { Timeout = TimeSpan.FromMilliseconds(50) }));
        Assert.Equal(RpcStatusCode.DeadlineExceeded, (await peer.ReceiveResponseAsync(1)).Status.Code);
        Assert.Equal(1, gate.Cancelled);
    }

    [Fact]
    public async Task Timeout_OverWhenItComes_TheHandlerDoesNotRun()
    {
        Gate gate = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup { App = app => app.MapRpc(Golden.Name, gate.HandleAsync) });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Hello(1, header: new RpcCallHeader { Timeout = TimeSpan.Zero }));
        Version2Reply reply = await peer.ReceiveResponseAsync(1);
        Assert.Equal(RpcStatusCode.DeadlineExceeded, reply.Status.Code);
        Assert.Equal(RpcCallBits.NoMessage | RpcCallBits.NotProcessed, reply.Flags);
        Assert.Equal(0, gate.Started);
    }

    [Fact]
    public async Task OneWay_GoodAndBad_AreNotAnswered()
    {
        TaskCompletionSource<bool> seen = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app => app.MapRpc(Golden.Name, (HelloRequest request, RpcContext context) =>
            {
                if (request.Msg == "oneway")
                {
                    seen.SetResult(context.IsOneWay);
                }

                return request.Msg == "throws" ? throw new IOException("no") : new HelloReply { Msg = request.Msg };
            }),
        });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        RpcCallHeader oneWay = new() { Flags = RpcCallBits.End | RpcCallBits.OneWay };
        await peer.SendAsync(Version2Frames.Hello(1, "oneway", oneWay), Version2Frames.Hello(2, "throws", oneWay), Version2Frames.Hello(3, "x", oneWay, "no/such"));
        Assert.True(await seen.Task.InTime());
        await peer.SendAsync(Version2Frames.Hello(4, "answered"));
        Assert.Equal("answered", (await peer.ReceiveResponseAsync(4)).Text);
    }

    [Fact]
    public async Task Settings_OfTheServer_SayItsLimits()
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options =>
            {
                options.Limits.MaxConcurrentCallsPerConnection = 7;
                options.Limits.MaxBodyLength = 1234;
            },
        });
        await using RawPeer raw = await server.ConnectAsync();
        await raw.SendAsync(Version2Frames.Ping(1));
        byte[] start = await raw.ReceiveExactlyAsync(16 + 5);
        Assert.Equal(RpcFrameType.Settings, (RpcFrameType)start[3]);
        Assert.Equal(RpcHeaderError.None, RpcSettings.Read(start.AsSpan(16), out RpcSettings settings));
        Assert.Equal(new RpcSettings { MaxConcurrentCalls = 7, MaxMessageLength = 1234 }, settings);
    }

    [Fact]
    public async Task Host_Stops_GoAwayIsSentAndCallsUnderWayEnd()
    {
        Gate gate = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup { App = app => app.MapRpc(Golden.Name, gate.HandleAsync) });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Hello(1, "slow"));
        await gate.WaitForStartedAsync(1);
        Task stop = server.StopAsync();
        Version2Reply goAway = await peer.ReceiveAsync();
        Assert.Equal(RpcFrameType.GoAway, goAway.Type);
        Assert.Equal(RpcGoAwayCode.Shutdown, goAway.Code);

        // Late calls may be made again elsewhere; the connection lives as long as a call does.
        await peer.SendAsync(Version2Frames.Hello(2, "free"), Version2Frames.Ping(1));
        Version2Reply late = await peer.ReceiveResponseAsync(2);
        Assert.Equal(RpcStatusCode.Unavailable, late.Status.Code);
        Assert.Equal(RpcCallBits.NoMessage | RpcCallBits.NotProcessed, late.Flags);
        Assert.Equal(RpcFrameType.Pong, (await peer.ReceiveAsync()).Type);
        gate.Open();
        Assert.Equal("slow", (await peer.ReceiveResponseAsync(1)).Text);
        Assert.Null(await peer.TryReceiveAsync());
        await stop;
    }
}
