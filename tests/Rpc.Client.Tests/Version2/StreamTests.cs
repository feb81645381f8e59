using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client.Tests.Version2;

/// <summary>Streams in both directions: what is on the wire, and how they end.</summary>
public class StreamTests
{
    private static readonly RpcMethod<StringValue, StringValue> Upload = Of(RpcMethodShape.ClientStreaming, "Upload");
    private static readonly RpcMethod<StringValue, StringValue> Watch = Of(RpcMethodShape.ServerStreaming, "Watch");
    private static readonly RpcMethod<StringValue, StringValue> Chat = Of(RpcMethodShape.DuplexStreaming, "Chat");

    [Fact]
    public async Task ServerStream_HeadersItemsTrailers_AreRead()
    {
        await using ScriptedServer server = new();
        using RpcServerStreamingCall<StringValue> call = server.Client.StartServerStream(Watch, Text("from"));
        ClientFrame request = await server.ReceiveAsync();
        Assert.Equal((RpcCallBits.End, "stream/Watch", "from"), (request.Flags, request.MethodName, request.Text));
        Assert.Throws<InvalidOperationException>(() => call.Status);
        await server.SendAsync(ServerFrame.Headers(request.CallId, new RpcMetadata { { "region", "east" } }), ServerFrame.Data(request.CallId, "1"));
        Assert.Equal("east", (await call.HeadersAsync.Within()).GetValue("region"));
        Assert.True(await call.Replies.MoveNextAsync().Within());
        Assert.Equal("1", call.Replies.Current.Value);
        await server.SendAsync(
            ServerFrame.Data(request.CallId, "2"),
            ServerFrame.Response(request.CallId, new RpcCallHeader { Trailers = new RpcMetadata { { "cost", "5" } }, AttachmentLength = 1 }, [.. ServerFrame.Text("last"), 7]));
        Assert.Equal(["2", "last"], await ReadAllAsync(call.Replies));
        Assert.Equal((RpcStatus.Ok, "5"), (call.Status, call.Trailers.GetValue("cost")));
    }

    [Fact]
    public async Task ServerStream_SplitAtEveryByte_IsRead()
    {
        await using ScriptedServer server = new();
        byte[] example = Reply(1);
        for (int offset = 0; offset <= example.Length; offset++)
        {
            using RpcServerStreamingCall<StringValue> call = server.Client.StartServerStream(Watch, Text("a"));
            byte[] reply = Reply((await server.ReceiveAsync()).CallId);
            await server.SendAsync(reply[..offset], reply[offset..]);
            Assert.Equal(["one", "", "in pieces"], await ReadAllAsync(call.Replies));
            Assert.Equal("east", (await call.HeadersAsync.Within()).GetValue("region"));
        }

        static byte[] Reply(uint id)
        {
            byte[] cut = ServerFrame.Text("in pieces");
            return
            [
                .. ServerFrame.Headers(id, new RpcMetadata { { "region", "east" } }),
                .. ServerFrame.Data(id, "one"),
                .. ServerFrame.Data(id, ""),
                .. ServerFrame.First(id, cut[..2], cut.Length),
                .. ServerFrame.Raw(RpcFrameType.Data, id, [], cut[2..]),
                .. ServerFrame.End(id),
            ];
        }
    }

    [Fact]
    public async Task ServerStream_Fails_ItemsBeforeAreReadAndThenItThrows()
    {
        await using ScriptedServer server = new();
        using RpcServerStreamingCall<StringValue> call = server.Client.StartServerStream(Watch, Text("a"));
        uint id = (await server.ReceiveAsync()).CallId;
        await server.SendAsync(ServerFrame.Data(id, "1"), ServerFrame.Failure(id, RpcStatusCode.NotFound, "gone"));
        Assert.True(await call.Replies.MoveNextAsync().Within());
        RpcException failed = await Assert.ThrowsAsync<RpcException>(() => call.Replies.MoveNextAsync().Within());
        Assert.Equal(RpcStatusCode.NotFound, failed.StatusCode);
        Assert.Equal(new RpcStatus(RpcStatusCode.NotFound, "gone"), call.Status);
        Assert.Empty(await call.HeadersAsync.Within());
    }

    [Fact]
    public async Task ServerStream_NobodyReads_NoCreditIsGrantedUntilSomebodyDoes()
    {
        await using ScriptedServer server = new();
        using RpcServerStreamingCall<StringValue> call = server.Client.StartServerStream(Watch, Text("a"));
        uint id = (await server.ReceiveAsync()).CallId;
        byte[] item = ServerFrame.Data(id, new string('x', 1000));
        int items = RpcSettings.DefaultCallCredit / (item.Length);
        for (int i = 0; i < items; i++)
        {
            await server.SendAsync(item);
        }

        await server.SendAsync(ServerFrame.Ping(1));
        Assert.Equal(RpcFrameType.Pong, (await server.ReceiveAsync()).Type);
        for (int i = 0; i < items; i++)
        {
            Assert.True(await call.Replies.MoveNextAsync().Within());
        }

        ClientFrame credit = await server.ReceiveAsync();
        Assert.Equal(id, credit.CallId);
        Assert.InRange(credit.Credit, RpcSettings.DefaultCallCredit / 2, RpcSettings.DefaultCallCredit);
    }

    [Fact]
    public async Task ServerStream_BeyondTheCreditOfTheCall_EndsTheConnection()
    {
        await using ScriptedServer server = new();
        using RpcServerStreamingCall<StringValue> call = server.Client.StartServerStream(Watch, Text("a"));
        uint id = (await server.ReceiveAsync()).CallId;
        byte[] item = ServerFrame.Data(id, new string('x', 1000));
        for (int i = 0; i <= RpcSettings.DefaultCallCredit / item.Length; i++)
        {
            await server.SendAsync(item);
        }

        Assert.Equal(RpcGoAwayCode.FlowControlError, (await server.ReceiveAsync(RpcFrameType.GoAway)).GoAwayCode);
        await server.Client.Closed.Within();
    }

    [Fact]
    public async Task ServerStream_LongMessagesNobodyReads_AreStoppedByTheCredit()
    {
        // Each ends in a short piece, so that whole messages hold little credit: the pieces of those behind must hold theirs.
        await using ScriptedServer server = new();
        using RpcServerStreamingCall<StringValue> call = server.Client.StartServerStream(Watch, Text("a"));
        uint id = (await server.ReceiveAsync()).CallId;
        byte[] message = ServerFrame.Text(new string('x', 50_000));
        int last = message.Length - 1;
        for (int i = 0; i < 5; i++)
        {
            await server.SendAsync(ServerFrame.First(id, message[..last], message.Length), ServerFrame.Raw(RpcFrameType.Data, id, [], message[last..]));
        }

        await server.SendAsync(ServerFrame.Ping(1));
        Assert.Equal(RpcFrameType.Pong, (await server.ReceiveAsync()).Type);
        for (int i = 0; i < 5; i++)
        {
            Assert.True(await call.Replies.MoveNextAsync().Within());
            Assert.Equal(50_000, call.Replies.Current.Value.Length);
        }

        Assert.Equal(id, (await server.ReceiveAsync()).CallId);
    }

    [Fact]
    public async Task ServerStream_DisposedEarly_IsCancelledAndGivesItsCreditBack()
    {
        await using ScriptedServer server = new();
        byte[] body = ServerFrame.Text(new string('x', 60_000));
        for (int i = 0; i < 2 * RpcSettings.DefaultConnectionCredit / body.Length / 3; i++)
        {
            RpcServerStreamingCall<StringValue> call = server.Client.StartServerStream(Watch, Text("a"));
            uint id = (await server.ReceiveAsync(RpcFrameType.Request)).CallId;
            for (int item = 0; item < 3; item++)
            {
                await server.SendAsync(ServerFrame.Raw(RpcFrameType.Data, id, [], body));
            }

            Assert.True(await call.Replies.MoveNextAsync().Within());
            call.Dispose();
            Assert.Equal(id, (await server.ReceiveAsync(RpcFrameType.Cancel)).CallId);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.Replies.MoveNextAsync().Within());
            await server.SendAsync(ServerFrame.Failure(id, RpcStatusCode.Cancelled, ""));
        }

        Assert.False(server.Client.Closed.IsCompleted);
    }

    [Fact]
    public async Task ClientStream_ItemsAndTheEnd_AreDataFrames()
    {
        await using ScriptedServer server = new();
        using RpcClientStreamingCall<StringValue, StringValue> call = server.Client.StartClientStream(Upload);
        ClientFrame request = await server.ReceiveAsync();
        Assert.Equal((RpcCallBits.NoMessage, 0), (request.Flags, request.Body.Length));
        await call.Requests.WriteAsync(Text("one")).Within();
        await call.Requests.WriteAsync(Text("two"), new byte[] { 9 }).Within();
        await call.Requests.CompleteAsync();
        ClientFrame one = await server.ReceiveAsync();
        ClientFrame two = await server.ReceiveAsync();
        ClientFrame end = await server.ReceiveAsync();
        Assert.Equal((RpcFrameType.Data, "one", 0), (one.Type, one.Text, one.Header.Length));
        Assert.Equal([.. ServerFrame.Text("two"), 9], two.Body);
        Assert.Equal(1, two.AttachmentLength);
        Assert.Equal((RpcCallBits.End | RpcCallBits.NoMessage, 0), (end.Flags, end.Body.Length));
        await Assert.ThrowsAsync<InvalidOperationException>(() => call.Requests.WriteAsync(Text("late")).Within());
        await server.SendAsync(ServerFrame.Response(request.CallId, new RpcCallHeader { AttachmentLength = 2 }, [.. ServerFrame.Text("sum"), 1, 2]));
        Assert.Equal("sum", (await call.ReplyAsync.Within()).Value);
        Assert.Equal([1, 2], call.Attachment.ToArray());
    }

    [Fact]
    public async Task ClientStream_NoCredit_WriterWaitsAndItsMemoryIsBounded()
    {
        await using ScriptedServer server = new();
        using RpcClientStreamingCall<StringValue, StringValue> call = server.Client.StartClientStream(Upload);
        StringValue item = Text(new string('x', 10_000));
        int written = 0;
        Task writing = Task.Run(async () =>
        {
            for (; written < 100; written++)
            {
                await call.Requests.WriteAsync(item);
            }

            await call.Requests.CompleteAsync();
        });
        await TimeLimits.Until(() => server.Client.ParkedCalls == 1);
        Assert.InRange(written, 26, 26 + 9); // a window, and what may wait
        uint id = (await server.ReceiveAsync()).CallId;
        int received = 0;
        while (true)
        {
            ClientFrame frame = await server.ReceiveAsync();
            if (frame.Flags.HasFlag(RpcCallBits.End))
            {
                break;
            }

            if (!frame.Flags.HasFlag(RpcCallBits.More))
            {
                received++;
            }

            await server.SendAsync(ServerFrame.Credit(id, frame.Body.Length + 16), ServerFrame.Credit(0, frame.Body.Length + 16));
        }

        Assert.Equal(100, received);
        await writing.Within();
        await server.SendAsync(ServerFrame.Response(id, "ok"));
        Assert.Equal("ok", (await call.ReplyAsync.Within()).Value);
    }

    [Fact]
    public async Task ClientStream_ServerEndsEarly_WaitingWriterIsTold()
    {
        await using ScriptedServer server = new();
        using RpcClientStreamingCall<StringValue, StringValue> call = server.Client.StartClientStream(Upload);
        uint id = (await server.ReceiveAsync()).CallId;
        Task writing = Task.Run(async () =>
        {
            while (true)
            {
                await call.Requests.WriteAsync(Text(new string('x', 10_000)));
            }
        });
        await TimeLimits.Until(() => server.Client.ParkedCalls == 1);
        await server.SendAsync(ServerFrame.Failure(id, RpcStatusCode.ResourceExhausted, "enough"));
        Assert.Equal(RpcStatusCode.ResourceExhausted, (await Assert.ThrowsAsync<RpcException>(() => writing.Within())).StatusCode);
        Assert.Equal(RpcStatusCode.ResourceExhausted, (await Assert.ThrowsAsync<RpcException>(() => call.ReplyAsync.Within())).StatusCode);
        Assert.Equal(0, server.Client.ParkedCalls);
    }

    [Fact]
    public async Task Duplex_BothDirectionsAtOnce_KeepTheirOrder()
    {
        const int Items = 5000;
        await using ScriptedServer server = new();
        using RpcDuplexStreamingCall<StringValue, StringValue> call = server.Client.StartDuplexStream(Chat);
        uint id = (await server.ReceiveAsync()).CallId;
        Task writing = Task.Run(async () =>
        {
            for (int i = 0; i < Items; i++)
            {
                await call.Requests.WriteAsync(Text($"{i}"));
            }

            await call.Requests.CompleteAsync();
        });
        Task echoing = Task.Run(async () =>
        {
            for (int i = 0; i < Items;)
            {
                ClientFrame frame = await server.ReceiveAsync();
                if (frame.Type == RpcFrameType.Data)
                {
                    Assert.Equal($"{i++}", frame.Text);
                    await server.SendAsync(ServerFrame.Data(id, frame.Text), ServerFrame.Credit(id, frame.Body.Length + 16));
                }
            }

            await server.SendAsync(ServerFrame.End(id));
        });
        Assert.Equal(Enumerable.Range(0, Items).Select(i => $"{i}"), await ReadAllAsync(call.Replies));
        await writing.Within();
        await echoing.Within();
        Assert.Equal(RpcStatus.Ok, call.Status);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task MoveNext_TokenFires_GivesUpTheCall(bool before)
    {
        await using ScriptedServer server = new();
        using RpcServerStreamingCall<StringValue> call = server.Client.StartServerStream(Watch, Text("a"));
        uint id = (await server.ReceiveAsync()).CallId;
        using CancellationTokenSource source = new();
        if (before)
        {
            await source.CancelAsync();
        }

        Task<bool> reading = call.Replies.MoveNextAsync(source.Token).AsTask();
        await source.CancelAsync();
        OperationCanceledException failed = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.Within());
        Assert.Equal(source.Token, failed.CancellationToken);
        Assert.Equal(id, (await server.ReceiveAsync(RpcFrameType.Cancel)).CallId);
        Assert.Equal(RpcStatusCode.Cancelled, call.Status.Code);
    }

    [Fact]
    public async Task Streams_ConnectionLost_AllEnd()
    {
        await using ScriptedServer server = new();
        using RpcDuplexStreamingCall<StringValue, StringValue> call = server.Client.StartDuplexStream(Chat);
        await server.ReceiveAsync();
        Task<bool> reading = call.Replies.MoveNextAsync().AsTask();
        Task<RpcMetadata> headers = call.HeadersAsync;
        await server.Replies.CompleteAsync();
        Assert.Equal(RpcStatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => reading.Within())).StatusCode);
        await Assert.ThrowsAsync<RpcException>(() => headers.Within());
        Assert.Equal(RpcStatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => call.Requests.WriteAsync(Text("x")).Within())).StatusCode);
    }

    [Fact]
    public async Task StartCall_Reply_ComesWithMetadataTrailersAndAttachment()
    {
        await using ScriptedServer server = new();
        using RpcUnaryCall<StringValue> call = server.Client.StartCall(ScriptedServer.Hello, Text("a"));
        uint id = (await server.ReceiveAsync()).CallId;
        await server.SendAsync(ServerFrame.Response(
            id,
            new RpcCallHeader { Metadata = new RpcMetadata { { "a", "1" } }, Trailers = new RpcMetadata { { "b", "2" } }, AttachmentLength = 1 },
            [.. ServerFrame.Text("re"), 3]));
        Assert.Equal("re", (await call.ReplyAsync.Within()).Value);
        Assert.Equal("1", (await call.HeadersAsync.Within()).GetValue("a"));
        Assert.Equal(("2", RpcStatus.Ok), (call.Trailers.GetValue("b"), call.Status));
        Assert.Equal([3], call.Attachment.ToArray());
    }

    [Fact]
    public async Task OneWay_EndsWhenItIsWritten()
    {
        await using ScriptedServer server = new();
        await server.Client.SendOneWayAsync(ScriptedServer.Hello, Text("a")).Within();
        ClientFrame request = await server.ReceiveAsync();
        Assert.Equal(RpcCallBits.End | RpcCallBits.OneWay, request.Flags);
        Task large = server.Client.SendOneWayAsync(ScriptedServer.Hello, Text(new string('x', 200_000)));
        ClientFrame frame = await server.ReceiveAsync();
        Assert.Equal(RpcCallBits.More | RpcCallBits.OneWay, frame.Flags);
        while (!(frame = await server.ReceiveAsync()).Flags.HasFlag(RpcCallBits.End))
        {
            Assert.Equal(RpcCallBits.More, frame.Flags);
        }

        await large.Within();
        Assert.Equal((0, 0), (server.Client.PendingCalls, server.Client.AbandonedCalls));
        server.AssertNothingSent();
    }

    [Fact]
    public async Task Version1_StreamsAndOneWay_FailWithUnimplementedAndNothingIsSent()
    {
        await using PipeServer server = new();
        using RpcClientStreamingCall<StringValue, StringValue> upload = server.Client.StartClientStream(Upload);
        using RpcServerStreamingCall<StringValue> watch = server.Client.StartServerStream(Watch, Text("a"));
        using RpcDuplexStreamingCall<StringValue, StringValue> chat = server.Client.StartDuplexStream(Chat);
        Task[] all =
        [
            upload.ReplyAsync, upload.Requests.WriteAsync(Text("x")).AsTask(), watch.Replies.MoveNextAsync().AsTask(),
            chat.Replies.MoveNextAsync().AsTask(), server.Client.SendOneWayAsync(ScriptedServer.Hello, Text("a")),
        ];
        foreach (Task one in all)
        {
            Assert.Equal(RpcStatusCode.Unimplemented, (await Assert.ThrowsAsync<RpcException>(() => one.Within())).StatusCode);
        }

        Assert.False(server.Requests.TryRead(out _));
    }

    [Fact]
    public async Task Calls_OfTheWrongShape_Throw()
    {
        await using ScriptedServer server = new();
        Assert.Throws<ArgumentException>(() => server.Client.StartClientStream(Watch));
        Assert.Throws<ArgumentException>(() => server.Client.StartServerStream(ScriptedServer.Hello, Text("a")));
        server.AssertNothingSent();
    }

    private static RpcMethod<StringValue, StringValue> Of(RpcMethodShape shape, string name) =>
        RpcMethod.Create<StringValue, StringValue>(shape, "stream", name);

    private static StringValue Text(string text) => new() { Value = text };

    private static async Task<List<string>> ReadAllAsync(IRpcStreamReader<StringValue> reader)
    {
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(30));
        List<string> items = [];
        await foreach (StringValue item in reader.ReadAllAsync(limit.Token))
        {
            items.Add(item.Value);
        }

        return items;
    }
}
