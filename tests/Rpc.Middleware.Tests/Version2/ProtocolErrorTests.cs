using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Peers that break version 2: they are told, the connection ends, and nobody else notices.</summary>
public sealed class ProtocolErrorTests
{
    public static TheoryData<string> Faults =>
    [
        "wrong magic later", "version 1 later", "unknown type", "header too long", "body too long", "call id 0", "ping with a header", "a response",
        "settings later", "unknown flag", "request without method", "unknown index", "index twice", "index too high", "name too long", "field twice",
        "id in use", "bad credit", "too much credit", "too much credit of a call", "pieces too long", "end with more",
    ];

    [Theory, MemberData(nameof(Faults))]
    public async Task Peer_BreaksTheProtocol_GoAwayAndOthersGoOn(string fault)
    {
        Gate gate = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup { App = app => app.MapRpc(Golden.Name, gate.HandleAsync) });
        await using Version2Peer bystander = await Version2Peer.ConnectAsync(server);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await bystander.SendAsync(Version2Frames.Hello(1, "free"));
        await bystander.ReceiveResponseAsync(1);
        await peer.SendAsync(Version2Frames.Hello(1, "free", index: 1));
        await peer.ReceiveResponseAsync(1);

        await peer.SendAsync(Bytes(fault));
        RpcGoAwayCode code = fault switch
        {
            "header too long" or "body too long" => RpcGoAwayCode.LimitExceeded,
            "too much credit" or "too much credit of a call" => RpcGoAwayCode.FlowControlError,
            _ => RpcGoAwayCode.ProtocolError,
        };
        await peer.ExpectGoAwayAsync(code);

        await bystander.SendAsync(Version2Frames.Hello(2, "free"));
        Assert.Equal("free", (await bystander.ReceiveResponseAsync(2)).Text);
        await bystander.DisposeAsync();
        await peer.DisposeAsync();
        await server.ExpectNothingLeftAsync();
        Assert.Single(server.Logs.Ours, line => line.Id == 23);
    }

    [Fact]
    public async Task Peer_BreaksTheProtocolWithCallsUnderWay_TheirTokensFire()
    {
        Gate gate = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup { App = app => app.MapRpc(Golden.Name, gate.HandleAsync) });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Hello(1, "slow"));
        await gate.WaitForStartedAsync(1);
        await peer.SendAsync(Version2Frames.Raw(type: 77, 1, [], []));
        await peer.ExpectGoAwayAsync(RpcGoAwayCode.ProtocolError);
        await server.ExpectNothingLeftAsync();
        Assert.Equal(1, gate.Cancelled);
    }

    [Fact]
    public async Task FirstFrame_IsBroken_GoAwayInItsVersion()
    {
        await using TestServer server = await TestServer.StartAsync(TransportKind.Sockets);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Golden.Header(version: 2, type: 1, 1, 2, 0xFFFFFFFF));
        await peer.ExpectGoAwayAsync(RpcGoAwayCode.LimitExceeded);
    }

    [Fact]
    public async Task Frames_ForCallsThatAreOver_AreIgnored()
    {
        await using TestServer server = await TestServer.StartAsync(TransportKind.Sockets);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(
            Version2Frames.Cancel(5), Version2Frames.Credit(5, 10), Version2Frames.Data(5, RpcCallBits.None, [1, 2]),
            Version2Frames.Data(5, RpcCallBits.End | RpcCallBits.NoMessage, []), Version2Frames.Raw(8, 0, [], new byte[8]), Version2Frames.Hello(5));
        Assert.Equal("Hello world", (await peer.ReceiveResponseAsync(5)).Text);
        await peer.SendAsync(Version2Frames.Cancel(5), Version2Frames.Hello(5, "again"));
        Assert.Equal("Hello again", (await peer.ReceiveResponseAsync(5)).Text);
    }

    [Fact]
    public async Task Capacity_Reached_FurtherCallsAreRefusedAndFramesOfTheOthersRead()
    {
        Gate gate = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options => options.Limits.MaxConcurrentCallsPerConnection = 3,
            App = app => app.MapRpc(Golden.Name, gate.HandleAsync),
        });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Hello(1, "free"));
        await peer.ReceiveResponseAsync(1);

        // One call that needs frames, two that run, and one too many.
        await peer.SendAsync(
            Version2Frames.Request(2, new RpcCallHeader { Flags = RpcCallBits.NoMessage }, []), Version2Frames.Hello(3, "slow"), Version2Frames.Hello(4, "slow"), Version2Frames.Hello(5, "slow"));
        Version2Reply refused = await peer.ReceiveResponseAsync(5);
        Assert.Equal(RpcStatusCode.ResourceExhausted, refused.Status.Code);
        Assert.True(refused.Flags.HasFlag(RpcCallBits.NotProcessed));
        await peer.SendAsync(Version2Frames.Data(2, RpcCallBits.End | RpcCallBits.NoMessage, []));
        await peer.ReceiveResponseAsync(2);

        // Its place is free.
        await peer.SendAsync(Version2Frames.Hello(6, "slow"), Version2Frames.Ping(1));
        Assert.Equal(RpcFrameType.Pong, (await peer.ReceiveAsync()).Type);
        await gate.WaitForStartedAsync(3);
        gate.Open();
        Version2Reply[] replies = [await peer.ReceiveAsync(), await peer.ReceiveAsync(), await peer.ReceiveAsync()];
        Assert.Equal([3u, 4u, 6u], replies.Select(reply => reply.Id).Order());
        Assert.All(replies, reply => Assert.Equal(RpcStatus.Ok, reply.Status));
        Assert.Equal(3, gate.MostAtOnce);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Stress_FramesAtRandom_EveryConnectionEndsAndTheServerLives(int seed)
    {
        await using TestServer server = await TestServer.StartAsync(TransportKind.IoUring);
        Random random = new(seed);
        for (int i = 0; i < 100; i++)
        {
            await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
            List<byte[]> frames = [Version2Frames.Hello(1, index: 1)];
            for (int j = random.Next(30); j > 0; j--)
            {
                byte[] header = new byte[random.Next(8)];
                random.NextBytes(header);
                byte[] body = new byte[random.Next(20)];
                random.NextBytes(body);
                uint id = (uint)random.Next(4);
                frames.Add(random.Next(6) switch
                {
                    0 => Version2Frames.Raw((byte)random.Next(12), id, header, body),
                    1 => Version2Frames.HelloByIndex(id + 10, 1),
                    2 => Version2Frames.Cut(id + 10, new byte[100], random.Next(1, 100)).First(),
                    3 => Version2Frames.Data(id + 10, (RpcCallBits)random.Next(3), body.Length == 0 ? [1] : body),
                    4 => Version2Frames.Cancel(id + 10),
                    _ => Version2Frames.Credit(id, random.Next(1, int.MaxValue)),
                });
            }

            try
            {
                await peer.SendAsync([.. frames]);
                peer.Raw.EndSending();
                while (await peer.TryReceiveAsync() is not null)
                {
                    // Whatever it is, it is a frame.
                }
            }
            catch (Exception exception) when (exception is IOException or System.Net.Sockets.SocketException)
            {
                // The server was done with it before all was sent.
            }
        }

        await server.ExpectNothingLeftAsync();
        Assert.DoesNotContain(server.Logs.Ours, line => line.Level >= Microsoft.Extensions.Logging.LogLevel.Error);
        await using Version2Peer last = await Version2Peer.ConnectAsync(server);
        await last.SendAsync(Version2Frames.Hello(1));
        Assert.Equal("Hello world", (await last.ReceiveResponseAsync(1)).Text);
    }

    private static byte[][] Bytes(string fault)
    {
        byte[] end = [(byte)RpcCallBits.End, 1 << 1];
        return fault switch
        {
            "wrong magic later" => ["GET / HTTP/1.1\r\n\r\n"u8.ToArray()],
            "version 1 later" => [Golden.Request],
            "unknown type" => [Version2Frames.Raw(11, 0, [], [])],
            "header too long" => [Golden.Header(version: 2, type: 1, 1, (64 * 1024) + 1, 0)],
            "body too long" => [Golden.Header(version: 2, type: 1, 1, 2, (64 * 1024) + 1)],
            "call id 0" => [Version2Frames.Raw(1, 0, end, [])],
            "ping with a header" => [Version2Frames.Raw(7, 0, [1], new byte[8])],
            "a response" => [Version2Frames.Raw(2, 1, [], [])],
            "settings later" => [Version2Frames.Settings(RpcSettings.Default)],
            "unknown flag" => [Version2Frames.Raw(1, 2, [0x81, 1 << 1], [])],
            "request without method" => [Version2Frames.Raw(1, 2, [1], [])],
            "unknown index" => [Version2Frames.HelloByIndex(2, 2)],
            "index twice" => [Version2Frames.Hello(2, "free", index: 1)],
            "index too high" => [Version2Frames.Hello(2, "free", index: 257)],
            "name too long" => [Version2Frames.Raw(1, 2, [1, 1, 0x81, 4, .. new byte[513]], [])],
            "field twice" => [Version2Frames.Raw(1, 2, [.. end, 1 << 1, 5, 1 << 1, 5], [])],
            "id in use" => [Version2Frames.HelloByIndex(2, 1, "slow"), Version2Frames.HelloByIndex(2, 1, "slow")],
            "bad credit" => [Version2Frames.Raw(5, 0, [0], [])],
            "too much credit" => [Version2Frames.Credit(0, int.MaxValue)],
            "too much credit of a call" => [Version2Frames.HelloByIndex(2, 1, "slow"), Version2Frames.Credit(2, int.MaxValue)],
            "pieces too long" =>
            [
                Version2Frames.Request(2, new RpcCallHeader { Flags = RpcCallBits.More, MessageLength = 3 }, [1]),
                Version2Frames.Data(2, RpcCallBits.End, [1, 2, 3]),
            ],
            "end with more" => [Version2Frames.Raw(1, 2, [3, 1 << 1], [1])],
            _ => throw new ArgumentOutOfRangeException(nameof(fault), fault, null),
        };
    }
}
