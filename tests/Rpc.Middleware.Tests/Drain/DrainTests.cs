using Google.Protobuf.WellKnownTypes;
using Hello;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>What peers and handlers see of a server whose host stops.</summary>
public sealed class DrainTests
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(10);

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Stop_Version2CallsOnTheirWay_AreRefusedUntilThePeerCloses(TransportKind transport)
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(gate, transport, drain => drain.Linger = Long);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Hello(1, "held"));
        await gate.WaitForStartedAsync(1);

        Task stopping = server.StopAsync();
        Version2Reply goodbye = await peer.ReceiveAsync();
        await peer.SendAsync(Version2Frames.Hello(2, "free", index: 1));
        Version2Reply late = await peer.ReceiveResponseAsync(2);
        gate.Open();
        Version2Reply held = await peer.ReceiveResponseAsync(1);

        // All calls have ended: the connection is still read.
        await peer.SendAsync(Version2Frames.Hello(3, "free", index: 2));
        Version2Reply later = await peer.ReceiveResponseAsync(3);
        Assert.False(stopping.IsCompleted);
        peer.Raw.EndSending();

        Assert.Null(await peer.TryReceiveAsync());
        await stopping;
        Assert.Equal(RpcGoAwayCode.Shutdown, goodbye.Code);
        Assert.Equal(RpcFrameType.GoAway, goodbye.Type);
        Assert.All([late, later], reply =>
        {
            Assert.Equal(RpcStatusCode.Unavailable, reply.Status.Code);
            Assert.True(reply.Flags.HasFlag(RpcCallBits.NotProcessed));
        });
        Assert.Equal("held", held.Text);
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Stop_Version1CallsOnTheirWay_AreRefusedAndNoResetFollows(TransportKind transport)
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(gate, transport, drain => drain.Linger = Long);
        await using RawPeer peer = await server.ConnectAsync();
        await peer.SendAsync(Golden.Call(1, "held"));
        await gate.WaitForStartedAsync(1);

        Task stopping = server.StopAsync();
        uint id = 1;
        RawReply reply;
        do
        {
            // What is sent before the server notices is answered.
            await peer.SendAsync(Golden.Call(++id, "free"));
            reply = await peer.ReceiveAsync();
            Assert.Equal(id, reply.SequenceId);
        }
        while (reply.Data.ErrorCode is null);

        gate.Open();
        RawReply held = await peer.ReceiveAsync();
        peer.EndSending();

        Assert.Null(await peer.TryReceiveByteAsync()); // a reset would throw
        await stopping;
        Assert.Equal("CONNECTION", reply.Data.ErrorCode);
        Assert.Equal("The server stops.", reply.Data.ErrorMessage);
        Assert.Equal("held", held.Msg);
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Stop_PeersStay_ConnectionsEndWithFinAfterAWhile(TransportKind transport)
    {
        await using TestServer server = await StartAsync(new Gate(), transport, drain => drain.Linger = TimeSpan.FromMilliseconds(50));
        await using RawPeer first = await server.ConnectAsync();
        await using Version2Peer second = await Version2Peer.ConnectAsync(server);
        await using RawPeer silent = await server.ConnectAsync();
        await first.SendAsync(Golden.Call(1, "free"));
        await second.SendAsync(Version2Frames.Hello(1, "free"));
        await first.ReceiveAsync();
        await second.ReceiveResponseAsync(1);

        await server.StopAsync();

        Assert.Null(await first.TryReceiveByteAsync());
        await second.ExpectGoAwayAsync(RpcGoAwayCode.Shutdown);
        Assert.Null(await silent.TryReceiveByteAsync());
        await server.ExpectNothingLeftAsync();
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Stop_ConnectionHasNotSpokenYet_FirstCallIsAnsweredAndItIsTold(TransportKind transport)
    {
        await using TestServer server = await StartAsync(new Gate(), transport, drain => drain.Linger = Long);
        await using Version2Peer told = await Version2Peer.ConnectAsync(server);
        await using Version2Peer silent = await Version2Peer.ConnectAsync(server);
        await told.SendAsync(Version2Frames.Hello(1, "free"));
        await told.ReceiveResponseAsync(1);
        Task stopping = server.StopAsync();
        await told.ReceiveAsync(); // GOAWAY: the listeners are closed

        await silent.SendAsync(Version2Frames.Hello(1, "free"));
        Version2Reply[] both = [await silent.ReceiveAsync(), await silent.ReceiveAsync()];

        Assert.Equal("free", both.Single(frame => frame.Type == RpcFrameType.Response).Text);
        Assert.Single(both, frame => frame.Type == RpcFrameType.GoAway);
        silent.Raw.EndSending();
        told.Raw.EndSending();
        await stopping;
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Stop_CallsRunBeyondTheTimeout_AreToldUnavailableAndEndWithFin(TransportKind transport)
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(gate, transport, drain => drain.Timeout = TimeSpan.FromMilliseconds(100));
        await using RawPeer first = await server.ConnectAsync();
        await using Version2Peer second = await Version2Peer.ConnectAsync(server);
        await first.SendAsync(Golden.Call(1));
        await second.SendAsync(Version2Frames.Hello(1));
        await gate.WaitForStartedAsync(2);

        await server.StopAsync(); // long before the host's own time-out, which would throw

        RawReply firstReply = await first.ReceiveAsync();
        Assert.Equal("SERVER", firstReply.Data.ErrorCode);
        Assert.Equal("The server has stopped before the call had ended.", firstReply.Data.ErrorMessage);
        Assert.Null(await first.TryReceiveByteAsync());
        Assert.Equal(RpcFrameType.GoAway, (await second.ReceiveAsync()).Type);
        Version2Reply secondReply = await second.ReceiveResponseAsync(1);
        Assert.Equal(RpcStatusCode.Unavailable, secondReply.Status.Code);
        Assert.False(secondReply.Flags.HasFlag(RpcCallBits.NotProcessed)); // it has run
        Assert.Null(await second.TryReceiveAsync());
        Assert.Equal(2, gate.Cancelled);
        Assert.Equal(2, server.Logs.Ours.Count(line => line.Id == 91));
    }

    [Fact]
    public async Task Stop_StreamsAreTold_EndInTheirOwnWordsOrAreEnded()
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options => options.Drain.Timeout = TimeSpan.FromMilliseconds(300),
            App = app => app.MapRpc("test/Count", async (Int32Value request, IRpcStreamWriter<StringValue> replies, RpcContext context) =>
            {
                await replies.WriteAsync(StreamServer.Text(0));
                TaskCompletionSource stopping = new(TaskCreationOptions.RunContinuationsAsynchronously);
                using CancellationTokenRegistration registration = context.ServerStopping.Register(stopping.SetResult);
                await stopping.Task.WaitAsync(context.CancellationToken);
                Assert.False(context.CancellationToken.IsCancellationRequested);
                await replies.WriteAsync(StreamServer.Text(1));
                if (request.Value == 0)
                {
                    await Task.Delay(Timeout.Infinite, context.CancellationToken); // does not care
                }
            }),
        });
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();
        using RpcServerStreamingCall<StringValue> polite = connection.StartServerStream(StreamServer.Count, new Int32Value { Value = 1 });
        using RpcServerStreamingCall<StringValue> rude = connection.StartServerStream(StreamServer.Count, new Int32Value { Value = 0 });
        Assert.True(await polite.Replies.MoveNextAsync().InTime());
        Assert.True(await rude.Replies.MoveNextAsync().InTime());

        Task stopping = server.StopAsync();

        Assert.True(await polite.Replies.MoveNextAsync().InTime());
        Assert.False(await polite.Replies.MoveNextAsync().InTime());
        Assert.True(await rude.Replies.MoveNextAsync().InTime());
        RpcException ended = await Assert.ThrowsAsync<RpcException>(() => rude.Replies.MoveNextAsync().InTime());
        Assert.Equal(RpcStatusCode.Unavailable, ended.StatusCode);
        await stopping;
    }

    [Fact]
    public async Task Stop_WithADelay_ServesOnUntilItIsOver()
    {
        ManualTime time = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Services = services => services.AddSingleton<TimeProvider>(time),
            Rpc = options => options.Drain.Delay = TimeSpan.FromSeconds(5),
        });
        Task stopping = server.StopAsync();
        await server.Logs.WaitForAsync(90);

        await using (Version2Peer peer = await Version2Peer.ConnectAsync(server))
        {
            await peer.SendAsync(Version2Frames.Hello(1));
            Assert.Equal("Hello world", (await peer.ReceiveResponseAsync(1)).Text);
            Assert.True(server.Services.GetRequiredService<RpcServer>().IsStopping);
            Assert.False(server.Services.GetRequiredService<RpcServer>().Stopping.IsCancellationRequested);
        }

        await time.WaitForTimersAsync(2); // this one, and that of the connections
        time.Advance(TimeSpan.FromSeconds(5));

        await stopping;
        Assert.True(server.Services.GetRequiredService<RpcServer>().Stopping.IsCancellationRequested);
    }

    [Theory]
    [InlineData("Delay")]
    [InlineData("Timeout")]
    [InlineData("Linger")]
    public async Task Options_OutOfRange_FailTheStartWithTheirName(string option)
    {
        OptionsValidationException error = await Assert.ThrowsAsync<OptionsValidationException>(() => TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options =>
            {
                TimeSpan wrong = TimeSpan.FromSeconds(-1);
                options.Drain.Delay = option == "Delay" ? wrong : default;
                options.Drain.Timeout = option == "Timeout" ? wrong : null;
                options.Drain.Linger = option == "Linger" ? wrong : default;
            },
        }));

        Assert.Contains($"RpcServerOptions.Drain.{option} is -00:00:01;", error.Message, StringComparison.Ordinal);
    }

    private static Task<TestServer> StartAsync(Gate gate, TransportKind transport, Action<RpcServerDrainOptions> drain) =>
        TestServer.StartAsync(new TestServerSetup
        {
            Transport = transport,
            Rpc = options => drain(options.Drain),
            App = app => app.MapRpc(Golden.Name, (HelloRequest request, CancellationToken token) => gate.HandleAsync(request, token)),
        });
}
