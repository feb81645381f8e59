using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Connections that are idle, send too slowly or read too slowly; on a clock that the tests move.</summary>
public sealed class ConnectionWatchTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly ManualTime _time = new();

    public static TheoryData<int> Versions => LimitPeer.Versions;

    [Theory, MemberData(nameof(Versions))]
    public async Task Idle_NothingUnderWay_IsToldAndEnds(int version)
    {
        await using TestServer server = await StartAsync();
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, version);
        await peer.CallAsync(1, "free");
        Assert.Equal((1u, "free"), await peer.ReceiveAsync());

        await AdvanceUntilAsync(ExpectEndAsync(peer, version, "The connection was idle."));

        Assert.True(Elapsed >= 30, $"{Elapsed}");
        await server.Logs.WaitForAsync(60);
        peer.Raw.EndSending();
        await server.ExpectNothingLeftAsync();
        Assert.Equal(0, server.Rpc().Heartbeat.Count);
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task Idle_CallRuns_ConnectionStays(int version)
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(gate);
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, version);
        await peer.CallAsync(1);
        await gate.WaitForStartedAsync(1);

        Advance(120);
        gate.Open();

        Assert.Equal((1u, "held"), await peer.ReceiveAsync());
        Advance(5);
        await peer.CallAsync(2, "free");
        Assert.Equal((2u, "free"), await peer.ReceiveAsync());
    }

    [Fact]
    public async Task Idle_PingsOrAnOpenStream_KeepTheConnection()
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(gate);
        await using LimitPeer pings = await LimitPeer.ConnectAsync(server, 2);
        await using LimitPeer streams = await LimitPeer.ConnectAsync(server, 2);
        await streams.Raw.SendAsync(Version2Frames.Request(1, new RpcCallHeader { Flags = RpcCallBits.NoMessage }, [], "helloworld/Stream"));
        await gate.WaitForStartedAsync(1);

        for (int i = 0; i < 6; i++)
        {
            Advance(20);
            await pings.Raw.SendAsync(Version2Frames.Ping(7));
            Assert.Equal(RpcFrameType.Pong, (await pings.TryReceiveFrameAsync())?.Type);
        }

        gate.Open();
        await streams.Raw.SendAsync(Version2Frames.Data(1, RpcCallBits.End | RpcCallBits.NoMessage, []));
        Assert.Equal((1u, "held"), await streams.ReceiveAsync());
    }

    [Fact]
    public async Task Idle_CallOnItsWay_IsToldThatItWasNotProcessed()
    {
        await using TestServer server = await StartAsync();
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, 2);
        await peer.CallAsync(1, "free");
        Assert.Equal((1u, "free"), await peer.ReceiveAsync());
        Task<Version2Reply?> goAway = peer.TryReceiveFrameAsync();
        await AdvanceUntilAsync(goAway);

        await peer.CallAsync(2, "free");

        Assert.Equal(RpcFrameType.GoAway, (await goAway)?.Type);
        Version2Reply refused = (await peer.TryReceiveFrameAsync())!;
        Assert.Equal((2u, RpcStatusCode.Unavailable, "The connection was idle."), (refused.Id, refused.Status.Code, refused.Status.Message));
        Assert.True(refused.Flags.HasFlag(RpcCallBits.NotProcessed));
    }

    [Fact]
    public async Task Idle_LongFrameComesAtAGoodRate_IsRead()
    {
        Gate gate = new();
        gate.Open();
        await using TestServer server = await StartAsync(gate);
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, 1);
        await peer.CallAsync(1, "free");
        Assert.Equal((1u, "free"), await peer.ReceiveAsync());
        string text = new('x', 900_000);
        byte[] call = Golden.Call(2, text);
        int piece = call.Length / 40;

        for (int sent = 0; sent < call.Length; sent += piece)
        {
            await peer.Raw.SendAsync(call.AsMemory(sent, Math.Min(piece, call.Length - sent)));
            await AdvanceUntilAsync(Task.Delay(4));
        }

        Assert.Equal((2u, text), await peer.ReceiveAsync());
    }

    [Fact]
    public async Task Idle_RequestThatIsNeverFinished_DoesNotKeepTheConnection()
    {
        await using TestServer server = await StartAsync();
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, 2);
        await peer.Raw.SendAsync(Version2Frames.Request(1, new RpcCallHeader { Flags = RpcCallBits.More, MessageLength = 100 }, new byte[10]));

        List<RpcFrameType> frames = [];
        await AdvanceUntilAsync(ReadToEndAsync());

        Assert.Equal([RpcFrameType.Response, RpcFrameType.GoAway], frames.Order());

        async Task ReadToEndAsync()
        {
            while (await peer.TryReceiveFrameAsync() is { } frame)
            {
                frames.Add(frame.Type);
            }
        }
    }

    [Theory]
    [InlineData(1, true), InlineData(1, false), InlineData(2, true), InlineData(2, false)]
    public async Task SlowSender_FrameIsBegunAndNotFinished_Ends(int version, bool isFirst)
    {
        await using TestServer server = await StartAsync(configure: options => options.Connections.IdleTimeout = Timeout.InfiniteTimeSpan);
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, version);
        if (!isFirst)
        {
            await peer.CallAsync(1, "free");
            Assert.Equal((1u, "free"), await peer.ReceiveAsync());
            Advance(100); // there is no frame to wait for
        }

        double begin = Elapsed;
        await peer.Raw.SendAsync((version == 1 ? Golden.Call(2) : Version2Frames.Hello(2)).AsMemory(..17));

        // Before its first frame is whole nobody knows the version of a connection.
        await AdvanceUntilAsync(isFirst ? peer.Raw.ExpectEndAsync() : ExpectEndAsync(peer, version, "A frame came too slowly."));

        Assert.True(Elapsed - begin > 5, $"{Elapsed - begin}");
        await server.Logs.WaitForAsync(61);
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task SlowSender_AFewBytesASecond_EndsThoughItsCallsAreAnswered(int version)
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(gate);
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, version);
        await peer.CallAsync(1);
        await gate.WaitForStartedAsync(1);
        byte[] next = version == 1 ? Golden.Call(2, new string('x', 10_000)) : Version2Frames.Hello(2, new string('x', 10_000));
        await peer.Raw.SendAsync(next.AsMemory(..16));

        for (int sent = 16; server.Logs.Ours.All(line => line.Id != 61); sent++)
        {
            Assert.True(sent < next.Length - 1, "A frame at a byte a second is taken.");
            await peer.Raw.SendAsync(next.AsMemory(sent, 1));
            _time.Advance(Second);
            await Task.Delay(5); // the server's turn
        }

        gate.Open();
        if (version == 2)
        {
            Assert.Equal(RpcFrameType.GoAway, (await peer.TryReceiveFrameAsync())?.Type);
        }

        Assert.Equal((1u, "held"), await peer.ReceiveAsync());
    }

    [Theory]
    [InlineData(5, 1, false), InlineData(6, 600, true), InlineData(6, 1439, true), InlineData(6, 1440, false), InlineData(100, 23_999, true), InlineData(100, 24_000, false)]
    public void SlowSender_Rate_IsThatOfTheWholeFrameAfterTheGrace(int seconds, int bytes, bool isTooSlow)
    {
        RpcConnectionWatch watch = new(new RpcServerConnectionOptions(), _time);

        Assert.Equal(isTooSlow, watch.IsTooSlow(seconds * Second.Ticks, bytes));
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task SlowReader_TakesNoReplies_IsAbortedAndLeavesNothing(int version)
    {
        await using TestServer server = await StartAsync();
        LimitPeer peer = await LimitPeer.ConnectAsync(server, version);
        byte[][] calls = [.. Enumerable.Range(1, 40).Select(id => version == 1 ? Golden.Call((uint)id, "long", "helloworld/Long") : Version2Frames.Hello((uint)id, "long", name: "helloworld/Long"))];
        if (version == 2)
        {
            // Or it would be lack of credit that stops the server.
            await peer.Raw.SendAsync(Version2Frames.Settings(new RpcSettings { InitialCallCredit = int.MaxValue, ConnectionCredit = int.MaxValue }));
        }

        await peer.Raw.SendAsync(calls.SelectMany(call => call).ToArray());

        await AdvanceUntilAsync(server.Logs.WaitForAsync(62));

        Assert.True(Elapsed >= 30, $"{Elapsed}");
        await peer.DisposeAsync();
        await server.ExpectNothingLeftAsync();
    }

    [Fact]
    public async Task Watch_NothingToLookFor_HasNoTimer()
    {
        await using TestServer server = await StartAsync(configure: options =>
        {
            options.Connections.IdleTimeout = Timeout.InfiniteTimeSpan;
            options.Connections.SendTimeout = Timeout.InfiniteTimeSpan;
            options.Connections.MinRequestDataRate = null;
        });
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, 1);
        await peer.CallAsync(1, "free");
        Assert.Equal((1u, "free"), await peer.ReceiveAsync());

        Assert.Equal(1, server.Rpc().Heartbeat.Count);
        Assert.False(server.Rpc().Heartbeat.Watch.IsNeeded);
        Advance(1_000);
        await peer.CallAsync(2, "free");
        Assert.Equal((2u, "free"), await peer.ReceiveAsync());
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task MaxConnections_OneBeyond_IsToldAndEndsUntilThereIsRoom(int version)
    {
        await using TestServer server = await StartAsync(configure: options => options.Limits.MaxConnections = 1);
        LimitPeer first = await LimitPeer.ConnectAsync(server, version);
        await first.CallAsync(1, "free");
        Assert.Equal((1u, "free"), await first.ReceiveAsync());
        await using LimitPeer second = await LimitPeer.ConnectAsync(server, version);

        await second.CallAsync(1, "free");

        await second.ExpectRefusalAsync(1);
        second.Raw.EndSending();
        await ExpectEndAsync(second, version, "The server has too many connections.");
        await first.DisposeAsync();
        await server.ExpectNothingLeftAsync();
        await using LimitPeer third = await LimitPeer.ConnectAsync(server, version);
        await third.CallAsync(1, "free");
        Assert.Equal((1u, "free"), await third.ReceiveAsync());
        Assert.Equal(63, Assert.Single(server.Logs.Ours, line => line.Id == 63).Id);
    }

    [Fact]
    public async Task MaxConnections_OneBeyondThatOnlyPings_IsToldAndEnds()
    {
        await using TestServer server = await StartAsync(configure: options =>
        {
            options.Limits.MaxConnections = 1;
            options.Connections.IdleTimeout = options.Connections.SendTimeout = Timeout.InfiniteTimeSpan;
            options.Connections.MinRequestDataRate = null; // nothing else to look for
        });
        await using LimitPeer first = await LimitPeer.ConnectAsync(server, 2);
        await first.CallAsync(1, "free");
        Assert.Equal((1u, "free"), await first.ReceiveAsync());
        await using LimitPeer second = await LimitPeer.ConnectAsync(server, 2);
        await second.Raw.SendAsync(Version2Frames.Ping(7));
        Assert.Equal(RpcFrameType.Pong, (await second.TryReceiveFrameAsync())?.Type);

        Task<Version2Reply?> next = second.TryReceiveFrameAsync();
        await AdvanceUntilAsync(next);

        Assert.Equal((RpcFrameType.GoAway, "The server has too many connections."), ((await next)?.Type, (await next)?.Status.Message));
        second.Raw.EndSending();
        Assert.Null(await second.Raw.TryReceiveByteAsync());
        await first.CallAsync(2, "free");
        Assert.Equal((2u, "free"), await first.ReceiveAsync());
    }

    [Fact]
    public async Task MaxStreams_OneBeyond_IsRefusedUntilOneEnds()
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(gate, options => options.Limits.MaxStreamsPerConnection = 1);
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, 2);
        byte[] Open(uint id) => Version2Frames.Request(id, new RpcCallHeader { Flags = RpcCallBits.NoMessage }, [], "helloworld/Stream");
        await peer.Raw.SendAsync(Open(1));
        await gate.WaitForStartedAsync(1);

        await peer.Raw.SendAsync(Open(2));
        await peer.ExpectRefusalAsync(2);
        await peer.CallAsync(3, "free");
        Assert.Equal((3u, "free"), await peer.ReceiveAsync());
        gate.Open();
        await peer.Raw.SendAsync(Version2Frames.Data(1, RpcCallBits.End | RpcCallBits.NoMessage, []));
        Assert.Equal((1u, "held"), await peer.ReceiveAsync());
        await peer.Raw.SendAsync(Open(4));

        await gate.WaitForStartedAsync(2);
    }

    private double Elapsed => TimeSpan.FromTicks(_time.GetTimestamp()).TotalSeconds;

    private static async Task ExpectEndAsync(LimitPeer peer, int version, string reason)
    {
        if (version == 2)
        {
            Version2Reply? goodbye = await peer.TryReceiveFrameAsync();
            Assert.Equal((RpcFrameType.GoAway, RpcGoAwayCode.Shutdown, reason), (goodbye?.Type, goodbye?.Code, goodbye?.Status.Message));
        }

        Assert.Null(await peer.Raw.TryReceiveByteAsync());
    }

    private void Advance(int seconds)
    {
        for (int i = 0; i < seconds; i++)
        {
            _time.Advance(Second);
        }
    }

    private async Task AdvanceUntilAsync(Task expected)
    {
        while (!expected.IsCompleted)
        {
            _time.Advance(Second);
            await Task.WhenAny(expected, Task.Delay(5));
        }

        await expected;
    }

    private Task<TestServer> StartAsync(Gate? gate = null, Action<RpcServerOptions>? configure = null) => TestServer.StartAsync(new TestServerSetup
    {
        Rpc = configure,
        Services = services => services.AddSingleton<TimeProvider>(_time),
        App = app =>
        {
            gate ??= new Gate();
            app.MapRpc(Golden.Name, gate.HandleAsync);
            app.MapRpc("helloworld/Echo", (HelloRequest request) => new HelloReply { Msg = request.Msg });
            app.MapRpc("helloworld/Long", (HelloRequest request) => new HelloReply { Msg = new string('y', 1_000_000) });
            app.MapRpc("helloworld/Stream", async (IAsyncEnumerable<HelloRequest> requests, CancellationToken token) =>
                await gate.HandleAsync(new HelloRequest { Msg = "held" }, token));
        },
    });
}
