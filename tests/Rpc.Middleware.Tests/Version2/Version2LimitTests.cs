using System.Reflection;
using Google.Protobuf;
using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>What a connection holds and lets in, and moments at which calls meet.</summary>
public sealed class Version2LimitTests
{
    private const int Large = 3 * 1024 * 1024;

    [Theory]
    [InlineData(TransportKind.Sockets), InlineData(TransportKind.Epoll), InlineData(TransportKind.IoUring)]
    public async Task Capacity_TakenByRepliesThatWaitForCredit_CreditIsRead(TransportKind transport)
    {
        await using TestServer server = await StartEchoAsync(rpc: options => options.Limits.MaxConcurrentCallsPerConnection = 1, transport: transport);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Ping(99));
        Assert.Equal(RpcFrameType.Pong, (await peer.ReceiveAsync()).Type);
        await peer.SendAsync(Version2Frames.Hello(1, $"make {Large}"));
        int received = 0;
        Version2Reply piece;
        do
        {
            piece = await peer.ReceiveAsync();
            received += piece.Body.Length;
            if (piece.Type == RpcFrameType.Data)
            {
                await peer.SendAsync(Version2Frames.Credit(0, piece.Body.Length + 16), Version2Frames.Credit(1, piece.Body.Length + 16));
            }
        }
        while (piece.Type != RpcFrameType.Response);
        Assert.InRange(received, Large, Large + 10);
    }

    [Fact]
    public async Task Capacity_TakenByRunningCalls_CancelAndPingAreRead()
    {
        Gate gate = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options => options.Limits.MaxConcurrentCallsPerConnection = 1,
            App = app => app.MapRpc(Golden.Name, gate.HandleAsync),
        });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Ping(99));
        Assert.Equal(RpcFrameType.Pong, (await peer.ReceiveAsync()).Type);
        await peer.SendAsync(Version2Frames.Hello(1));
        await gate.WaitForStartedAsync(1);
        await peer.SendAsync(Version2Frames.Cancel(1));
        Assert.Equal(RpcStatusCode.Cancelled, (await peer.ReceiveResponseAsync(1)).Status.Code);
    }

    [Fact]
    public async Task OneWay_IdUsedAgainAfterItsMessage_IsNoError()
    {
        Gate gate = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup { App = app => app.MapRpc(Golden.Name, gate.HandleAsync) });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Hello(1, "held", new RpcCallHeader { Flags = RpcCallBits.End | RpcCallBits.OneWay }));
        await gate.WaitForStartedAsync(1);
        await peer.SendAsync(Version2Frames.Hello(1, "free"));
        Version2Reply reply = await peer.ReceiveAsync();
        gate.Open();
        Assert.Equal(RpcFrameType.Response, reply.Type);
    }

    [Fact]
    public void Cancel_ReadWhenItsCallJustEnded_DoesNotReachTheNextCall()
    {
        // The read loop has found the call under way; the thread that writes its reply ends it; the read loop goes on.
        RpcCall call = DetachedCalls.Create()();
        RpcVersion2Call state = call.Version2!;
        state.Start(1);
        Assert.True(state.IsUnderWay(1));
        state.End();
        call.Reset();
        state.Cancel(RpcStatusCode.Cancelled);
        call.Start(2, 0);
        state.Start(2);
        Assert.Null(state.CancelledWith);
        Assert.False(state.CancellationToken.IsCancellationRequested);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Requests_ManyUnfinishedThatBeganSmall_AreBoundedTogether(bool isCutInRequest)
    {
        const int Calls = 40;
        const int Longest = 4 * 1024 * 1024;
        await using TestServer server = await StartEchoAsync();
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        for (uint id = 1; id <= Calls; id++)
        {
            await peer.SendAsync(isCutInRequest
                ? Version2Frames.Request(id, new RpcCallHeader { Flags = RpcCallBits.More, MessageLength = Longest }, new byte[1])
                : Version2Frames.Request(id, new RpcCallHeader { Flags = RpcCallBits.NoMessage }, []));
        }

        // All of every message but the last byte, within the credit; a refusal of any call would do.
        bool isRefused = false;
        long connectionCredit = RpcSettings.DefaultConnectionCredit;
        long taken = 0;
        for (uint id = 1; id <= Calls && !isRefused; id++)
        {
            long credit = RpcSettings.DefaultCallCredit;
            for (int sent = isCutInRequest ? 1 : 0; sent < Longest - 1 && !isRefused;)
            {
                int length = Math.Min(60_000, Longest - 1 - sent);
                while (!isRefused && (credit < length + 16 || connectionCredit < length + 16))
                {
                    Version2Reply reply = await peer.ReceiveAsync();
                    isRefused = reply.Type == RpcFrameType.Response;
                    credit += reply.Type == RpcFrameType.Credit && reply.Id == id ? reply.Credit : 0;
                    connectionCredit += reply.Type == RpcFrameType.Credit && reply.Id == 0 ? reply.Credit : 0;
                }

                await peer.SendAsync(Version2Frames.Data(id, RpcCallBits.More, new byte[length], !isCutInRequest && sent == 0 ? Longest : 0));
                sent += length;
                taken += length;
                credit -= length + 16;
                connectionCredit -= length + 16;
            }
        }

        Assert.True(isRefused, $"The server keeps {taken:N0} bytes of {Calls} unfinished requests; managed heap and pools: {GC.GetTotalMemory(true):N0}");
    }

    [Fact]
    public async Task Replies_CutAndWithoutCredit_ShareTheirMessage()
    {
        const int Calls = 60;
        HelloReply shared = new() { Msg = new string('y', 4_000_000) };
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup { App = app => app.MapRpc(Golden.Name, (HelloRequest request) => shared) });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        long before = GC.GetTotalMemory(true);
        for (uint id = 1; id <= Calls; id++)
        {
            await peer.SendAsync(Version2Frames.Hello(id));
        }

        int received = 0;
        while (received < RpcSettings.DefaultCallCredit - 100_000)
        {
            received += (await peer.ReceiveAsync()).Body.Length + 16;
        }

        await peer.SendAsync(Version2Frames.Ping(1));
        while ((await peer.ReceiveAsync()).Type != RpcFrameType.Pong)
        {
        }

        long kept = GC.GetTotalMemory(true) - before;
        Assert.True(kept < 64 * 1024 * 1024, $"{kept:N0} bytes for {Calls} calls of one connection that grants nothing");
    }

    [Theory]
    [InlineData(9, RpcStatusCode.Unimplemented, "gzip")]
    [InlineData(1, RpcStatusCode.InvalidArgument, "Gzip")]
    public async Task Data_CompressedButUnreadable_FailsThatCallAlone(byte encoding, RpcStatusCode code, string hint)
    {
        await using TestServer server = await StartEchoAsync();
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        byte[] body = [.. new HelloRequest { Msg = "abc" }.ToByteArray()];
        byte[] header = [(byte)(RpcCallBits.End | RpcCallBits.Compressed), 4 << 1, encoding];
        await peer.SendAsync(
            Version2Frames.Request(1, new RpcCallHeader { Flags = RpcCallBits.NoMessage }, []),
            Version2Frames.Raw((byte)RpcFrameType.Data, 1, header, body));
        Version2Reply reply = await peer.ReceiveResponseAsync(1);
        Assert.Equal(code, reply.Status.Code);
        Assert.Contains(hint, reply.Status.Message, StringComparison.Ordinal);
        await peer.SendAsync(Version2Frames.Hello(2, "abc"));
        Assert.Equal("3", (await peer.ReceiveResponseAsync(2)).Text);
    }

    [Fact]
    public async Task Reply_FailsBecauseNoCreditCanCome_ItsCallEnds()
    {
        RpcContext? context = null;
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app => app.MapRpc(Golden.Name, (HelloRequest request, RpcContext given) =>
            {
                context = given;
                return new HelloReply { Msg = new string('y', Large) };
            }),
        });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Hello(1));
        int credit = RpcSettings.DefaultCallCredit;
        while (credit >= 16 + 4096)
        {
            credit -= (await peer.ReceiveAsync()).Body.Length + 16;
        }

        peer.Raw.EndSending();
        Assert.Equal(RpcStatusCode.Unavailable, (await peer.ReceiveResponseAsync(1)).Status.Code);
        Assert.Null(await peer.TryReceiveAsync());
        await peer.DisposeAsync();
        await server.ExpectNothingLeftAsync();

        // The copy of the reply went back to its pool; and Debug builds notice a context whose call has ended.
        object cut = typeof(RpcVersion2Call).GetField("_cut", BindingFlags.NonPublic | BindingFlags.Instance)!.GetValue(((RpcCall)context!).Version2)!;
        Assert.Null(cut);
#if DEBUG
        Assert.Throws<ObjectDisposedException>(() => context!.Name);
#endif
    }

    [Fact]
    public async Task GoAway_WhileOtherThreadsAnswer_IsTheLastFrame()
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app => app.MapRpc(Golden.Name, async (HelloRequest request) =>
            {
                await Task.Yield();
                return new HelloReply { Msg = request.Msg };
            }),
        });
        byte[] calls = [.. Enumerable.Range(1, 300).SelectMany(id => Version2Frames.Hello((uint)id))];
        byte[] bad = Version2Frames.Raw((byte)RpcFrameType.Headers, 9999, [], []);
        int failures = 0;
        string what = "";
        await Parallel.ForAsync(0, 400, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (_, _) =>
        {
            await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
            await peer.Raw.SendAsync((byte[])[.. calls, .. bad]);
            int behind = 0;
            bool isOver = false;
            while (await peer.TryReceiveAsync() is { } reply)
            {
                behind += isOver ? 1 : 0;
                if (reply.Type == RpcFrameType.GoAway)
                {
                    // Or the server would wait a moment for what this side may still be sending.
                    isOver = true;
                    peer.Raw.EndSending();
                }
            }

            if (!isOver || behind > 0)
            {
                Interlocked.Increment(ref failures);
                what = $"GOAWAY came: {isOver}; frames behind it: {behind}";
            }
        });

        Assert.True(failures == 0, $"{failures} of 400: {what}");
    }

    [Fact]
    public async Task Timeout_OfARequestThatNeverGetsWhole_EndsIt()
    {
        await using TestServer server = await StartEchoAsync();
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        RpcCallHeader header = new() { Flags = RpcCallBits.More, MessageLength = 100, Timeout = TimeSpan.FromMilliseconds(100) };
        await peer.SendAsync(Version2Frames.Request(1, header, new byte[10]));
        Assert.Equal(RpcStatusCode.DeadlineExceeded, (await peer.ReceiveResponseAsync(1)).Status.Code);
    }

    [Fact]
    public async Task Capacity_ControlFramesThatWaitToLeave_AreNoCalls()
    {
        await using TestServer server = await StartEchoAsync(rpc: options => options.Limits.MaxConcurrentCallsPerConnection = 3);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        RpcCallHeader begun = new() { Flags = RpcCallBits.More, MessageLength = 100 };
        await peer.SendAsync(Version2Frames.Request(1, begun, new byte[10]), Version2Frames.Ping(1), Version2Frames.Ping(2), Version2Frames.Hello(2, "abc"));
        Version2Reply reply;
        while ((reply = await peer.ReceiveAsync()).Type == RpcFrameType.Pong)
        {
        }

        Assert.Equal(RpcStatusCode.Ok, reply.Status.Code);
    }

    [Fact]
    public async Task Capacity_One_FirstCallOfAConnectionRuns()
    {
        await using TestServer server = await StartEchoAsync(rpc: options => options.Limits.MaxConcurrentCallsPerConnection = 1);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Hello(1, "abc"));
        Assert.Equal(RpcStatusCode.Ok, (await peer.ReceiveResponseAsync(1)).Status.Code);
    }

    [Fact]
    public async Task Reply_TimeRunsOutAtAnyMomentOfACutReply_AlwaysEnds()
    {
        await using TestServer server = await StartEchoAsync(transport: TransportKind.IoUring);
        await Parallel.ForAsync(0, 300, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, _) =>
        {
            await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
            await peer.SendAsync(Version2Frames.Hello(1, $"make {Large}", new RpcCallHeader { Timeout = TimeSpan.FromMilliseconds(1 + (i % 30)) }));
            Version2Reply reply;
            while ((reply = await peer.ReceiveAsync()).Type == RpcFrameType.Data)
            {
            }

            Assert.Equal(RpcStatusCode.DeadlineExceeded, reply.Status.Code);
        });
    }

    [Fact]
    public async Task Host_StopsAtCapacity_GoAwayIsSent()
    {
        Gate gate = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options => options.Limits.MaxConcurrentCallsPerConnection = 1,
            App = app => app.MapRpc(Golden.Name, gate.HandleAsync),
        });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Ping(99));
        Assert.Equal(RpcFrameType.Pong, (await peer.ReceiveAsync()).Type);
        await peer.SendAsync(Version2Frames.Hello(1));
        await gate.WaitForStartedAsync(1);
        Task stop = server.StopAsync();
        try
        {
            Assert.Equal(RpcFrameType.GoAway, (await peer.ReceiveAsync()).Type);
        }
        finally
        {
            gate.Open();
            await stop;
        }
    }

    private static Task<TestServer> StartEchoAsync(Action<RpcServerOptions>? rpc = null, TransportKind transport = TransportKind.Sockets) => TestServer.StartAsync(new TestServerSetup
    {
        Rpc = rpc,
        Transport = transport,
        App = app => app.MapRpc(Golden.Name, (HelloRequest request) => new HelloReply
        {
            Msg = request.Msg.StartsWith("make ", StringComparison.Ordinal)
                ? new string('y', int.Parse(request.Msg[5..], System.Globalization.CultureInfo.InvariantCulture))
                : $"{request.Msg.Length}",
        }),
    });
}
