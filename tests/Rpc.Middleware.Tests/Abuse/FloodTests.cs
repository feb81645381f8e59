using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Peers that keep the server busy with what is of no use: their connection ends, and nobody else notices.</summary>
public sealed class FloodTests
{
    private const int Most = 20;
    private const uint Marker = 1_000_000;

    public static TheoryData<string> Kinds =>
    [
        "ping", "pong", "goaway", "cancel", "cancel of a request in pieces", "small grant", "small grant to a call", "stray data", "stray grant", "stray cancel",
        "unknown method", "unknown method by index", "too much metadata", "malformed metadata", "too long a message", "unknown encoding", "more calls than told",
        "more one-way calls than told",
    ];

    [Theory, MemberData(nameof(Kinds))]
    public async Task Peer_SendsTooMuchWithinASecond_IsToldAndOthersGoOn(string kind)
    {
        ManualTime time = new();
        Gate gate = new();
        await using TestServer server = await StartAsync(gate, time, options =>
        {
            options.Floods.MaxPings = kind is "ping" or "pong" or "goaway" ? Most : 1_000;
            options.Floods.MaxCancels = options.Floods.MaxSmallGrants = options.Floods.MaxStrayFrames = options.Floods.MaxRefusedCalls = Most;
            options.Limits.MaxConcurrentCallsPerConnection = kind.StartsWith("more", StringComparison.Ordinal) ? 1 : 1_000;
        });
        await using Version2Peer bystander = await Version2Peer.ConnectAsync(server);
        await bystander.SendAsync(Version2Frames.Hello(1, "held"));
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Hello(1, "held", index: 1));
        await gate.WaitForStartedAsync(2);
        await peer.SendAsync(Version2Frames.Hello(2, name: "no/Such", index: 2));
        time.Advance(TimeSpan.FromSeconds(1));

        // As much as may be in one second, and in the next.
        uint id = 10;
        for (int second = 0; second < 2; second++)
        {
            await SyncAsync(peer, kind, id++);
            time.Advance(TimeSpan.FromSeconds(1));
            await peer.SendAsync([.. Enumerable.Range(0, Most).SelectMany(_ => Unit(kind, id++))]);
        }

        await SyncAsync(peer, kind, id++);
        await peer.SendAsync([.. Unit(kind, id++)]);
        peer.Raw.EndSending(); // or the server would wait for what may still come, by a clock that stands still
        Version2Reply goodbye = await peer.ExpectGoAwayAsync(RpcGoAwayCode.EnhanceYourCalm);

        Assert.StartsWith($"More than {Most} ", goodbye.Status.Message, StringComparison.Ordinal);
        IReadOnlyList<LogLine> lines = await server.Logs.WaitForAsync(72);
        Assert.Single(lines, line => line.Id == 72);
        await bystander.SendAsync(Version2Frames.Cancel(1));
        Assert.Equal(RpcStatusCode.Cancelled, (await bystander.ReceiveResponseAsync(1)).Status.Code);
        await bystander.SendAsync(Version2Frames.Hello(2, "free"));
        Assert.Equal("free", (await bystander.ReceiveResponseAsync(2)).Text);
        await bystander.DisposeAsync();
        await peer.DisposeAsync();
        await server.ExpectNothingLeftAsync();
        Assert.Equal(gate.Started, gate.Cancelled);
    }

    [Theory]
    [InlineData(TransportKind.Sockets), InlineData(TransportKind.Epoll), InlineData(TransportKind.IoUring)]
    public async Task RapidCancel_OfCallsAsFastAsTheyAreMade_HandlersAreBounded(TransportKind transport)
    {
        const int Pairs = 20_000;
        Gate gate = new();
        ManualTime time = new(); // it stands still: all of it is one second
        await using TestServer server = await StartAsync(gate, time, transport: transport);
        await using Version2Peer bystander = await Version2Peer.ConnectAsync(server);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Hello(1, "free", index: 1));
        await peer.ReceiveResponseAsync(1);

        byte[] flood = [.. Enumerable.Range(10, Pairs).SelectMany(id => (byte[])[.. Version2Frames.HelloByIndex((uint)id, 1), .. Version2Frames.Cancel((uint)id)])];
        Task sending = SendAsync(peer, flood);
        await peer.ExpectGoAwayAsync(RpcGoAwayCode.EnhanceYourCalm);
        await sending;

        await bystander.SendAsync(Version2Frames.Hello(1, "free"));
        Assert.Equal("free", (await bystander.ReceiveResponseAsync(1)).Text);
        await bystander.DisposeAsync();
        await peer.DisposeAsync();
        Task gone = server.ExpectNothingLeftAsync();
        while (!gone.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1)); // our transports give memory back when it was idle for a while, by this clock
            await Task.WhenAny(gone, Task.Delay(20));
        }

        await gone;
        int most = new RpcFloodOptions().MaxCancels + 1;
        Assert.InRange(gate.Started, 1, most);
        Assert.InRange(gate.MostAtOnce, 1, new RpcServerLimits().MaxConcurrentCallsPerConnection);
    }

    [Fact]
    public async Task RapidCancel_HandlersThatDoNotHeedIt_CountUntilTheyEnd()
    {
        const int AtOnce = 10;
        Gate gate = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options => options.Limits.MaxConcurrentCallsPerConnection = AtOnce,
            App = app => app.MapRpc(Golden.Name, (HelloRequest request) => gate.HandleAsync(request, CancellationToken.None)),
        });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);

        await peer.SendAsync([.. Enumerable.Range(1, 5 * AtOnce).SelectMany(id => (byte[][])[Version2Frames.Hello((uint)id, "held"), Version2Frames.Cancel((uint)id)])]);

        for (uint id = AtOnce + 1; id <= 5 * AtOnce; id++)
        {
            Version2Reply refused = await peer.ReceiveResponseAsync(id);
            Assert.Equal(RpcStatusCode.ResourceExhausted, refused.Status.Code);
            Assert.True(refused.Flags.HasFlag(RpcCallBits.NotProcessed));
        }

        await gate.WaitForStartedAsync(AtOnce);
        gate.Open();
        for (int i = 0; i < AtOnce; i++)
        {
            Assert.InRange((await peer.ReceiveAsync()).Id, 1u, (uint)AtOnce);
        }

        Assert.Equal((AtOnce, AtOnce), (gate.Started, gate.MostAtOnce));
    }

    [Fact]
    public async Task Cancel_OfCallsWhoseTimeIsOver_IsNoFlood()
    {
        ManualTime time = new();
        Gate gate = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options => options.Floods.MaxCancels = 1,
            Services = services => services.AddSingleton<TimeProvider>(time),
            App = app => app.MapRpc(Golden.Name, (HelloRequest request) => gate.HandleAsync(request, CancellationToken.None)),
        });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        for (uint id = 1; id <= Most; id++)
        {
            await peer.SendAsync(Version2Frames.Hello(id, "held", new RpcCallHeader { Timeout = TimeSpan.FromSeconds(1) }));
        }

        await gate.WaitForStartedAsync(Most);
        time.Advance(TimeSpan.FromSeconds(1));
        await peer.SendAsync([.. Enumerable.Range(1, Most).Select(id => Version2Frames.Cancel((uint)id)), Version2Frames.Ping(1)]);

        Assert.Equal(RpcFrameType.Pong, (await peer.ReceiveAsync()).Type);
        gate.Open();
    }

    [Fact]
    public async Task Refusals_ByTheThousand_LogIsNotFlooded()
    {
        const int Calls = 2_000;
        await using TestServer server = await StartAsync(new Gate(), new ManualTime());
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);

        await peer.SendAsync([.. Enumerable.Range(1, Calls).Select(id => Version2Frames.Hello((uint)id, name: "no/Such"))]);

        for (uint id = 1; id <= Calls; id++)
        {
            Assert.Equal(RpcStatusCode.Unimplemented, (await peer.ReceiveResponseAsync(id)).Status.Code);
        }

        Assert.Equal(100, server.Logs.Ours.Count(line => line.Id == 30));
    }

    [Fact]
    public async Task Handler_ThatPeersMakeThrow_LogIsNotFloodedAndSaysHowMuchItHeldBack()
    {
        const int Peers = 3;
        const int Calls = 200;
        ManualTime time = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Services = services => services.AddSingleton<TimeProvider>(time),
            App = app => app.MapRpc(Golden.Name, Hello.HelloReply (HelloRequest request) => request.Msg == "bad" ? throw new FormatException(request.Msg) : throw new RpcException(RpcErrorCode.Client, "no")),
        });
        for (uint peer = 0; peer < Peers; peer++)
        {
            await CallAsync("bad");
        }

        Assert.Equal(100, server.Logs.Ours.Count(line => line.Id == 32)); // of all connections together
        await CallAsync("refused"); // another event has its own bound
        Assert.Equal(100, server.Logs.Ours.Count(line => line.Id == 31));
        Assert.DoesNotContain(server.Logs.Ours, line => line.Id == 73);

        time.Advance(TimeSpan.FromSeconds(1));
        await CallAsync("bad", 1);

        Assert.Equal(101, server.Logs.Ours.Count(line => line.Id == 32));
        Assert.Equal(
            $"{(Peers * Calls) - 100} lines of event 32 were held back: more than 100 came within a second.", Assert.Single(server.Logs.Ours, line => line.Id == 73).Message);

        async Task CallAsync(string text, int count = Calls)
        {
            await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
            await peer.SendAsync([.. Enumerable.Range(1, count).Select(id => Version2Frames.Hello((uint)id, text))]);
            for (int i = 0; i < count; i++)
            {
                Assert.NotEqual(RpcStatusCode.Ok, (await peer.ReceiveAsync()).Status.Code);
            }
        }
    }

    [Theory]
    [InlineData("Floods.MaxPings"), InlineData("Floods.MaxCancels"), InlineData("Floods.MaxSmallGrants"), InlineData("Floods.MaxStrayFrames"), InlineData("Floods.MaxRefusedCalls")]
    public async Task Options_BelowOne_FailAtStartWithTheirKey(string key)
    {
        Exception error = await Assert.ThrowsAnyAsync<Exception>(() => TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options => typeof(RpcFloodOptions).GetProperty(key.Split('.')[1])!.SetValue(options.Floods, 0),
        }));

        Assert.Contains($"RpcServerOptions.{key} ", error.Message, StringComparison.Ordinal);
    }

    // The server has read all so far when it answers.
    private static async Task SyncAsync(Version2Peer peer, string kind, uint id)
    {
        bool byPing = kind is not ("ping" or "pong" or "goaway");
        await peer.SendAsync(byPing ? Version2Frames.Ping(id) : Version2Frames.Hello(Marker + id, "free"));
        Version2Reply reply;
        do
        {
            reply = await peer.ReceiveAsync();
            Assert.NotEqual(RpcFrameType.GoAway, reply.Type);
        }
        while (byPing ? reply.Type != RpcFrameType.Pong : reply.Id != Marker + id);
    }

    private static IEnumerable<byte[]> Unit(string kind, uint id) => kind switch
    {
        "ping" => [Version2Frames.Ping(id)],
        "pong" => [Version2Frames.Raw(8, 0, [], new byte[8])],
        "goaway" => [Version2Frames.Raw(9, 0, [0], [])],
        "cancel" => [Version2Frames.HelloByIndex(id, 1, "held"), Version2Frames.Cancel(id)],
        "cancel of a request in pieces" =>
            [Version2Frames.Request(id, new RpcCallHeader { Flags = RpcCallBits.More, MessageLength = 100 }, [1]), Version2Frames.Cancel(id)],
        "small grant" => [Version2Frames.Credit(0, 1)],
        "small grant to a call" => [Version2Frames.Credit(1, 4095)],
        "stray data" => [Version2Frames.Data(5, RpcCallBits.None, [])],
        "stray grant" => [Version2Frames.Credit(5, 100_000)],
        "stray cancel" => [Version2Frames.Cancel(5)],
        "unknown method" => [Version2Frames.Hello(id, name: "no/Such")],
        "unknown method by index" => [Version2Frames.HelloByIndex(id, 2)],
        "too much metadata" => [Version2Frames.Hello(id, header: new RpcCallHeader { Metadata = Metadata(200) })],
        "malformed metadata" => [Version2Frames.Raw(1, id, [1, 1 << 1, (2 << 1) | 1, 2, 1, (byte)'A'], [])],
        "too long a message" => [Version2Frames.Request(id, new RpcCallHeader { Flags = RpcCallBits.More, MessageLength = 5_000_000 }, [1])],
        "unknown encoding" => [Version2Frames.Request(id, new RpcCallHeader { Flags = RpcCallBits.End | RpcCallBits.Compressed, Encoding = (RpcEncoding)77 }, [1])],
        "more calls than told" => [Version2Frames.HelloByIndex(id, 1)],
        "more one-way calls than told" => [Version2Frames.Hello(id, header: new RpcCallHeader { Flags = RpcCallBits.End | RpcCallBits.OneWay })],
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };

    private static RpcMetadata Metadata(int count)
    {
        RpcMetadata metadata = [];
        for (int i = 0; i < count; i++)
        {
            metadata.Add("key", "value");
        }

        return metadata;
    }

    // The server may be done with the connection before all was sent.
    private static async Task SendAsync(Version2Peer peer, byte[] bytes)
    {
        try
        {
            await peer.SendAsync(bytes);
            peer.Raw.EndSending();
        }
        catch (Exception exception) when (exception is IOException or System.Net.Sockets.SocketException)
        {
            // It was.
        }
    }

    private static Task<TestServer> StartAsync(
        Gate gate, ManualTime time, Action<RpcServerOptions>? rpc = null, TransportKind transport = TransportKind.Sockets) => TestServer.StartAsync(new TestServerSetup
        {
            Transport = transport,
            Rpc = rpc,
            Services = services => services.AddSingleton<TimeProvider>(time),
            App = app => app.MapRpc(Golden.Name, gate.HandleAsync),
        });
}
