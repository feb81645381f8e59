using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Credit of streams, both directions, frame by frame; and peers that do not keep to it.</summary>
public sealed class StreamCreditTests
{
    private const int CallCredit = RpcSettings.DefaultCallCredit;
    private const int ConnectionCredit = RpcSettings.DefaultConnectionCredit;
    private const string Flood = "test/Flood";
    private const string Ignore = "test/Ignore";
    private const string Count = "test/CountBytes";
    private const string Early = "test/Early";
    private const string Echo = "test/Echo";

    public static TheoryData<TransportKind> Transports => [TransportKind.Sockets, TransportKind.Epoll, TransportKind.IoUring];

    [Theory, MemberData(nameof(Transports))]
    public async Task Replies_NobodyGrantsCredit_HandlerWaitsAndLittleIsKept(TransportKind transport)
    {
        State state = new();
        await using TestServer server = await StartAsync(state, transport);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Request(1, new RpcCallHeader { Flags = RpcCallBits.End }, [], Flood));
        int credit = CallCredit;
        while (credit >= 1024)
        {
            credit -= (await ReceiveDataAsync(peer, 1)).Body.Length + 16;
        }

        // Others go on, and what the handler has written beyond the credit is little.
        await peer.SendAsync(Version2Frames.Hello(2));
        Assert.Equal("Hello world", (await peer.ReceiveResponseAsync(2)).Text);
        Assert.InRange(Volatile.Read(ref state.Written), CallCredit / 1024, (CallCredit + RpcCallStream.MostWaiting) / 1016 + 3);

        for (int i = 0; i < 500; i++)
        {
            await peer.SendAsync(Version2Frames.Credit(1, 1024));
            credit += 1024;
            while (credit >= 1024)
            {
                credit -= (await ReceiveDataAsync(peer, 1)).Body.Length + 16;
            }
        }

        await peer.SendAsync(Version2Frames.Cancel(1));
        Assert.Equal(RpcStatusCode.Cancelled, (await peer.ReceiveResponseAsync(1)).Status.Code);
        Assert.IsAssignableFrom<OperationCanceledException>(await state.Ended.Task.InTime());
        await peer.DisposeAsync();
        await server.ExpectNothingLeftAsync();
    }

    [Fact]
    public async Task Requests_HandlerDoesNotRead_OthersGoOnAndNoCreditIsGranted()
    {
        await using TestServer server = await StartAsync(new State());
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Open(1, Ignore));
        for (int i = 0; i < 4; i++)
        {
            await peer.SendAsync(Version2Frames.Data(1, RpcCallBits.None, new byte[(CallCredit / 4) - 16]));
        }

        await peer.SendAsync(Version2Frames.Hello(2));
        Assert.Equal("Hello world", (await peer.ReceiveResponseAsync(2)).Text); // and no CREDIT before

        // When the call ends the connection gets its part back, which shows in the number of bytes that it then takes.
        await peer.SendAsync(Version2Frames.Cancel(1));
        await peer.ReceiveResponseAsync(1);
        long left = ConnectionCredit - CallCredit;
        for (uint id = 3; id < 100; id++)
        {
            await peer.SendAsync(Open(id, Ignore), Version2Frames.Data(id, RpcCallBits.None, new byte[60_000]), Version2Frames.Cancel(id));
            left -= 60_016;
            Version2Reply reply;
            while ((reply = await peer.ReceiveAsync()).Type == RpcFrameType.Credit)
            {
                Assert.Equal(0u, reply.Id);
                left += reply.Credit;
            }

            Assert.Equal(RpcFrameType.Response, reply.Type);
        }

        Assert.InRange(left, ConnectionCredit / 2, ConnectionCredit);
    }

    [Theory]
    [InlineData(Ignore)]
    [InlineData(Early)]
    [InlineData(null)]
    public async Task Requests_BeyondTheCredit_EndTheConnection(string? method)
    {
        await using TestServer server = await StartAsync(new State());
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        if (method is not null)
        {
            await peer.SendAsync(Open(1, method));
        }

        // Of a call that is not under way everything is granted anew: only what is sent at once can be too much.
        byte[] data = Version2Frames.Data(1, RpcCallBits.None, new byte[60_000]);
        byte[] flood = [.. Enumerable.Repeat(data, method is Ignore ? 5 : 1).SelectMany(frame => frame)];
        await peer.SendAsync(flood);
        if (method is Ignore)
        {
            await peer.ExpectGoAwayAsync(RpcGoAwayCode.FlowControlError);
        }
        else
        {
            await peer.SendAsync(Version2Frames.Ping(1));
            Version2Reply reply;
            while ((reply = await peer.ReceiveAsync()).Type is RpcFrameType.Response or RpcFrameType.Credit)
            {
            }

            Assert.Equal(RpcFrameType.Pong, reply.Type);
        }

        await peer.DisposeAsync();
        await server.ExpectNothingLeftAsync();
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(1u)]
    public async Task Credit_MoreThanThereCanBe_EndsTheConnection(uint id)
    {
        await using TestServer server = await StartAsync(new State());
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Open(1, Ignore), Version2Frames.Credit(id, int.MaxValue));
        await peer.ExpectGoAwayAsync(RpcGoAwayCode.FlowControlError);
        await peer.DisposeAsync();
        await server.ExpectNothingLeftAsync();
    }

    [Fact]
    public async Task Requests_AfterEnd_AreIgnored()
    {
        await using TestServer server = await StartAsync(new State());
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(
            Open(1, Count),
            Version2Frames.Data(1, RpcCallBits.End, StreamServer.Bytes(10).ToByteArray()),
            Version2Frames.Data(1, RpcCallBits.None, StreamServer.Bytes(20).ToByteArray()),
            Version2Frames.Data(1, RpcCallBits.End | RpcCallBits.NoMessage, []));
        Assert.Equal(10, Int32Value.Parser.ParseFrom((await peer.ReceiveResponseAsync(1)).Body).Value);
        await peer.SendAsync(Version2Frames.Hello(2));
        Assert.Equal("Hello world", (await peer.ReceiveResponseAsync(2)).Text);
    }

    [Fact]
    public async Task Requests_PiecesThatDoNotFit_EndTheConnection()
    {
        await using TestServer server = await StartAsync(new State());
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(
            Open(1, Count), Version2Frames.Data(1, RpcCallBits.More, new byte[10], messageLength: 30), Version2Frames.Data(1, RpcCallBits.None, new byte[10]));
        await peer.ExpectGoAwayAsync(RpcGoAwayCode.ProtocolError);
        await peer.DisposeAsync();
        await server.ExpectNothingLeftAsync();
    }

    [Fact]
    public async Task Handler_ReturnsEarly_CallerIsToldAndLateRequestsAreHarmless()
    {
        await using TestServer server = await StartAsync(new State());
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        for (uint id = 1; id <= 200; id++)
        {
            // 12 MB in all: three times what the connection takes if nothing were given back.
            await peer.SendAsync(Open(id, Early), Version2Frames.Data(id, RpcCallBits.None, StreamServer.Bytes(30_000).ToByteArray()));
            Version2Reply reply;
            while ((reply = await peer.ReceiveAsync()).Type == RpcFrameType.Credit)
            {
            }

            Assert.Equal(RpcFrameType.Response, reply.Type);
            Assert.Equal(RpcStatusCode.Ok, reply.Status.Code);
            await peer.SendAsync(Version2Frames.Data(id, RpcCallBits.End, StreamServer.Bytes(30_000).ToByteArray()));
        }
    }

    [Fact]
    public async Task Requests_ManyLongOnesUnread_AreBoundedTogether()
    {
        await using TestServer server = await StartAsync(new State());
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync([.. Enumerable.Range(1, 40).Select(id => Version2Frames.Request(
            (uint)id, new RpcCallHeader { Flags = RpcCallBits.More, MessageLength = 4 * 1024 * 1024 }, new byte[60_000], Count))]);
        int refused = 0;
        while (refused < 36)
        {
            Version2Reply reply = await peer.ReceiveAsync();
            Assert.Equal(RpcFrameType.Response, reply.Type);
            Assert.Equal(RpcStatusCode.ResourceExhausted, reply.Status.Code);
            refused++;
        }

        // The others go on, and when they have ended there is room again.
        for (uint id = 1; id <= 40; id++)
        {
            await peer.SendAsync(Version2Frames.Cancel(id));
        }

        for (int i = 0; i < 4; i++)
        {
            Version2Reply reply = await peer.ReceiveAsync();
            Assert.Equal((RpcFrameType.Response, RpcStatusCode.Cancelled), (reply.Type, reply.Status.Code));
        }

        byte[] message = StreamServer.Bytes(3_000_000).ToByteArray();
        foreach (byte[] frame in Version2Frames.Cut(100, message, 60_000, Count))
        {
            await peer.SendAsync(frame);
        }

        Version2Reply last;
        while ((last = await peer.ReceiveAsync()).Type == RpcFrameType.Credit)
        {
        }

        Assert.Equal(3_000_000, Int32Value.Parser.ParseFrom(last.Body).Value);
    }

    [Theory]
    [InlineData(TransportKind.Sockets, 500)]
    [InlineData(TransportKind.IoUring, 500)]
    [InlineData(TransportKind.Epoll, 20_000)]
    public async Task Duplex_LittleCreditAtATimeBothWays_Finishes(TransportKind transport, int length)
    {
        const int Total = 3 * 1024 * 1024;
        int messages = Total / length;
        await using TestServer server = await StartAsync(new State(), transport);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Open(1, Echo));
        byte[] data = Version2Frames.Data(1, RpcCallBits.None, StreamServer.Bytes(length).ToByteArray());
        long call = CallCredit;
        long connection = ConnectionCredit;
        int sent = 0;
        int received = 0;
        while (received < messages)
        {
            while (sent < messages && call >= data.Length && connection >= data.Length)
            {
                await peer.SendAsync(data);
                sent++;
                call -= data.Length;
                connection -= data.Length;
                if (sent == messages)
                {
                    await peer.SendAsync(Version2Frames.Data(1, RpcCallBits.End | RpcCallBits.NoMessage, []));
                }
            }

            Version2Reply reply = await peer.ReceiveAsync();
            if (reply.Type == RpcFrameType.Credit)
            {
                call += reply.Id == 1 ? reply.Credit : 0;
                connection += reply.Id == 0 ? reply.Credit : 0;
                continue;
            }

            // As little as can be granted: what was used, each time.
            Assert.Equal((RpcFrameType.Data, data.Length - 16), (reply.Type, reply.Body.Length));
            received++;
            await peer.SendAsync(Version2Frames.Credit(0, data.Length), Version2Frames.Credit(1, data.Length));
        }

        Version2Reply end;
        while ((end = await peer.ReceiveAsync()).Type == RpcFrameType.Credit)
        {
        }

        Assert.Equal((RpcFrameType.Response, RpcCallBits.NoMessage, RpcStatusCode.Ok), (end.Type, end.Flags, end.Status.Code));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Peer_EndsItsSending_ReadersAndWritersLearnIt(bool isReading)
    {
        State state = new();
        await using TestServer server = await StartAsync(state);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(isReading
            ? Open(1, Count)
            : Version2Frames.Request(1, new RpcCallHeader { Flags = RpcCallBits.End }, [], Flood));
        await state.Started.Task.InTime();
        peer.Raw.EndSending();
        Version2Reply reply;
        while ((reply = await peer.ReceiveAsync()).Type == RpcFrameType.Data)
        {
        }

        Assert.Equal(RpcFrameType.Response, reply.Type);
        Assert.Equal(isReading ? RpcStatusCode.Cancelled : RpcStatusCode.Unavailable, reply.Status.Code);
        Assert.Null(await peer.TryReceiveAsync());
        await peer.DisposeAsync();
        await server.ExpectNothingLeftAsync();
    }

    [Theory]
    [InlineData(Flood)]
    [InlineData(Count)]
    [InlineData(Ignore)]
    public async Task Peer_Resets_HandlerIsCancelled(string method)
    {
        State state = new();
        await using TestServer server = await StartAsync(state, TransportKind.IoUring);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(method == Flood ? Version2Frames.Request(1, new RpcCallHeader { Flags = RpcCallBits.End }, [], Flood) : Open(1, method));
        await state.Started.Task.InTime();
        peer.Raw.Reset();
        Assert.NotNull(await state.Ended.Task.InTime());
        await peer.DisposeAsync();
        await server.ExpectNothingLeftAsync();
    }

    private static async Task<Version2Reply> ReceiveDataAsync(Version2Peer peer, uint id)
    {
        Version2Reply reply = await peer.ReceiveAsync();
        Assert.Equal((RpcFrameType.Data, id), (reply.Type, reply.Id));
        return reply;
    }

    private static byte[] Open(uint id, string method) => Version2Frames.Request(id, new RpcCallHeader { Flags = RpcCallBits.NoMessage }, [], method);

    private static Task<TestServer> StartAsync(State state, TransportKind transport = TransportKind.Sockets) => TestServer.StartAsync(new TestServerSetup
    {
        Transport = transport,
        App = app =>
        {
            app.MapHello();
            app.MapRpc(Flood, (Empty request, IRpcStreamWriter<BytesValue> replies) => state.RunAsync(async () =>
            {
                BytesValue item = StreamServer.Bytes(1005); // and 3 bytes in front of them
                while (true)
                {
                    await replies.WriteAsync(item);
                    Interlocked.Increment(ref state.Written);
                }
            }));
            app.MapRpc(Ignore, (IRpcStreamReader<BytesValue> requests, RpcContext context) => state.RunAsync<Int32Value>(
                () => Task.Delay(Timeout.Infinite, context.CancellationToken)));
            app.MapRpc(Count, (IRpcStreamReader<BytesValue> requests) => state.RunAsync<Int32Value>(async () =>
            {
                while (await requests.MoveNextAsync())
                {
                    state.Bytes += requests.Current.Value.Length;
                }
            }));
            app.MapRpc(Early, (IRpcStreamReader<BytesValue> requests) => new Int32Value());
            app.MapRpc(Echo, (IAsyncEnumerable<BytesValue> requests) => requests);
        },
    });

    /// <summary>What handlers have done.</summary>
    private sealed class State
    {
        public int Written;

        public int Bytes { get; set; }

        public TaskCompletionSource Started { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource<Exception> Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public async Task RunAsync(Func<Task> handle)
        {
            Started.TrySetResult();
            try
            {
                await handle();
            }
            catch (Exception exception)
            {
                Ended.TrySetResult(exception);
                throw;
            }
        }

        public async Task<T> RunAsync<T>(Func<Task> handle)
            where T : class
        {
            await RunAsync(handle);
            return (new Int32Value { Value = Bytes } as T)!;
        }
    }
}
