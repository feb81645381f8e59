using System.Buffers;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Compression and attachments, whole and cut, in calls with and without streams.</summary>
public sealed class EncodingTests
{
    private const string Unary = "test/Unary";
    private static readonly RpcMethod<BytesValue, BytesValue> UnaryMethod = RpcMethod.Unary<BytesValue, BytesValue>("test", "Unary");
    private static readonly RpcMethod<BytesValue, BytesValue> Collect = StreamServer.Method<BytesValue, BytesValue>(RpcMethodShape.ClientStreaming, "Collect");

    public static TheoryData<RpcEncoding, int> Cases
    {
        get
        {
            TheoryData<RpcEncoding, int> cases = [];
            foreach (RpcEncoding encoding in System.Enum.GetValues<RpcEncoding>())
            {
                cases.Add(encoding, 0);
                cases.Add(encoding, 5);
                cases.Add(encoding, 100_000);
            }

            return cases;
        }
    }

    // Empty, one that gets longer, one that fits a frame only compressed, one that never does.
    private static BytesValue[] Messages { get; } = [new(), StreamServer.Bytes(2), StreamServer.Bytes(150_000), Noise(150_000)];

    [Theory, MemberData(nameof(Cases))]
    public async Task Unary_MessageAndAttachment_GoBothWays(RpcEncoding encoding, int attachmentLength)
    {
        await using TestServer server = await StartAsync(encoding);
        await using RpcConnection connection = await ConnectAsync(server);
        byte[] attachment = Noise(attachmentLength).Value.ToByteArray();
        foreach (BytesValue message in Messages)
        {
            RpcCallOptions options = new() { Attachment = attachment, Compression = encoding };
            using RpcUnaryCall<BytesValue> call = connection.StartCall(UnaryMethod, message, options);
            Assert.Equal(message, await call.ReplyAsync.InTime());
            Assert.Equal(attachment, call.Attachment.ToArray());
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public async Task Streams_MessagesAndAttachments_GoBothWays(RpcEncoding encoding, int attachmentLength)
    {
        await using TestServer server = await StartAsync(encoding);
        await using RpcConnection connection = await ConnectAsync(server);
        byte[] attachment = Noise(attachmentLength).Value.ToByteArray();
        RpcCallOptions options = new() { Compression = encoding };
        using RpcDuplexStreamingCall<BytesValue, BytesValue> call = connection.StartDuplexStream(StreamServer.Echo, options);
        Task writing = Task.Run(async () =>
        {
            foreach (BytesValue message in Messages)
            {
                await call.Requests.WriteAsync(message, attachment);
                await call.Requests.WriteAsync(message);
            }

            await call.Requests.CompleteAsync();
        });
        foreach (BytesValue message in Messages)
        {
            Assert.True(await call.Replies.MoveNextAsync().InTime());
            Assert.Equal(message, call.Replies.Current);
            Assert.Equal(attachment, call.Replies.CurrentAttachment.ToArray());
            Assert.True(await call.Replies.MoveNextAsync().InTime());
            Assert.Equal(message, call.Replies.Current);
            Assert.True(call.Replies.CurrentAttachment.IsEmpty);
        }

        Assert.False(await call.Replies.MoveNextAsync().InTime());
        await writing.InTime();
    }

    [Theory]
    [InlineData(RpcEncoding.Gzip)]
    [InlineData(RpcEncoding.Brotli)]
    [InlineData(RpcEncoding.Snappy)]
    public async Task ClientStream_LongReplyWithAttachment_IsCutAndCompressed(RpcEncoding encoding)
    {
        await using TestServer server = await StartAsync(encoding);
        await using RpcConnection connection = await ConnectAsync(server);
        using RpcClientStreamingCall<BytesValue, BytesValue> call = connection.StartClientStream(Collect, new RpcCallOptions { Compression = encoding });
        foreach (BytesValue message in Messages)
        {
            await call.Requests.WriteAsync(message).InTime();
        }

        await call.Requests.CompleteAsync().InTime();
        BytesValue reply = await call.ReplyAsync.InTime();
        Assert.Equal(Messages.SelectMany(message => message.Value), reply.Value);
        Assert.Equal(Messages[^1].Value.ToByteArray(), call.Attachment.ToArray());
    }

    [Theory]
    [InlineData(RpcEncodings.All, true)]
    [InlineData(RpcEncodings.Gzip, true)]
    [InlineData(RpcEncodings.Snappy, false)]
    [InlineData(RpcEncodings.None, false)]
    public async Task Reply_EncodingThatTheCallerTakesOrNot_IsCompressedOnlyThen(RpcEncodings accepted, bool isCompressed)
    {
        await using TestServer server = await StartAsync(RpcEncoding.Gzip);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        RpcCallHeader header = new() { Flags = RpcCallBits.End, AcceptedEncodings = accepted };
        await peer.SendAsync(Version2Frames.Request(1, header, StreamServer.Bytes(50_000).ToByteArray(), Unary));
        Version2Reply reply = await peer.ReceiveResponseAsync(1);
        Assert.Equal(isCompressed ? RpcCallBits.Compressed : RpcCallBits.None, reply.Flags);
        Assert.Equal(isCompressed, reply.Body.Length < 1000);

        await peer.SendAsync(Version2Frames.Request(2, header, StreamServer.Bytes(50_000).ToByteArray(), "test/Echo"));
        Version2Reply data = await peer.ReceiveAsync();
        Assert.Equal((RpcFrameType.Data, isCompressed ? RpcCallBits.Compressed : RpcCallBits.None), (data.Type, data.Flags));
        await peer.ReceiveResponseAsync(2);
    }

    [Fact]
    public async Task Replies_DefaultOfTheServer_MethodSaysOtherwise()
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options => options.ReplyCompression = RpcEncoding.Snappy,
            App = app =>
            {
                app.MapRpc("test/A", (BytesValue value) => value);
                app.MapRpc("test/B", (BytesValue value) => value).WithRpcCompression(RpcEncoding.None);
            },
        });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        RpcCallHeader header = new() { Flags = RpcCallBits.End, AcceptedEncodings = RpcEncodings.All };
        byte[] body = StreamServer.Bytes(1000).ToByteArray();
        await peer.SendAsync(Version2Frames.Request(1, header, body, "test/A"));
        Assert.Equal(RpcCallBits.Compressed, (await peer.ReceiveResponseAsync(1)).Flags);
        await peer.SendAsync(Version2Frames.Request(2, header, body, "test/B"));
        Assert.Equal(RpcCallBits.None, (await peer.ReceiveResponseAsync(2)).Flags);
    }

    [Theory]
    [InlineData(false, RpcEncoding.Gzip)]
    [InlineData(true, RpcEncoding.Gzip)]
    [InlineData(false, RpcEncoding.Brotli)]
    [InlineData(true, RpcEncoding.Brotli)]
    [InlineData(false, RpcEncoding.Snappy)]
    [InlineData(true, RpcEncoding.Snappy)]
    public async Task Request_LongerThanTheLimitWhenDecompressed_IsRefused(bool isStream, RpcEncoding encoding)
    {
        await using TestServer server = await StartAsync(encoding);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        ArrayBufferWriter<byte> bomb = new();
        RpcCompression.Compress(encoding, new ReadOnlySequence<byte>(StreamServer.Bytes(5_000_000).ToByteArray()), bomb);
        byte[] body = bomb.WrittenSpan.ToArray();
        string method = isStream ? "test/Echo" : Unary;
        RpcCallHeader header = new() { Flags = RpcCallBits.End | RpcCallBits.Compressed, Encoding = encoding };
        if (body.Length <= 60_000)
        {
            await peer.SendAsync(Version2Frames.Request(1, header, body, method));
        }
        else
        {
            RpcCallHeader first = new() { Flags = RpcCallBits.More | RpcCallBits.Compressed, Encoding = encoding, MessageLength = body.Length };
            byte[][] pieces = [.. body.Chunk(60_000)];
            await peer.SendAsync(Version2Frames.Request(1, first, pieces[0], method));
            for (int i = 1; i < pieces.Length; i++)
            {
                await peer.SendAsync(Version2Frames.Data(1, i == pieces.Length - 1 ? RpcCallBits.End : RpcCallBits.More, pieces[i]));
            }
        }

        Version2Reply reply;
        while ((reply = await peer.ReceiveAsync()).Type == RpcFrameType.Credit)
        {
        }

        Assert.Equal(RpcFrameType.Response, reply.Type);
        Assert.Equal(RpcStatusCode.ResourceExhausted, reply.Status.Code);
    }

    [Fact]
    public async Task Stream_UnknownEncoding_IsUnimplementedAndNamesTheKnownOnes()
    {
        await using TestServer server = await StartAsync(RpcEncoding.None);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        byte[] header = [(byte)RpcCallBits.Compressed, 4 << 1, 9];
        await peer.SendAsync(
            Version2Frames.Request(1, new RpcCallHeader { Flags = RpcCallBits.NoMessage }, [], "test/Echo"),
            Version2Frames.Raw((byte)RpcFrameType.Data, 1, header, [1, 2, 3]));
        Version2Reply reply = await peer.ReceiveResponseAsync(1);
        Assert.Equal(RpcStatusCode.Unimplemented, reply.Status.Code);
        Assert.Contains("gzip (1), brotli (2) and snappy (3)", reply.Status.Message, StringComparison.Ordinal);
    }

    private static Task<TestServer> StartAsync(RpcEncoding encoding) => TestServer.StartAsync(new TestServerSetup
    {
        App = app =>
        {
            app.MapRpc(Unary, (BytesValue value, RpcContext context) =>
            {
                context.ReplyAttachment = context.RequestAttachment;
                return value;
            }).WithRpcCompression(encoding);
            app.MapRpc("test/Echo", async (IRpcStreamReader<BytesValue> requests, IRpcStreamWriter<BytesValue> replies) =>
            {
                while (await requests.MoveNextAsync())
                {
                    await replies.WriteAsync(requests.Current, requests.CurrentAttachment);
                }
            }).WithRpcCompression(encoding);
            app.MapRpc("test/Collect", async (IAsyncEnumerable<BytesValue> requests, RpcContext context) =>
            {
                using MemoryStream all = new();
                byte[] last = [];
                await foreach (BytesValue request in requests)
                {
                    last = request.Value.ToByteArray();
                    all.Write(last);
                }

                context.ReplyAttachment = new ReadOnlySequence<byte>(last);
                return new BytesValue { Value = ByteString.CopyFrom(all.ToArray()) };
            }).WithRpcCompression(encoding);
        },
    });

    private static async Task<RpcConnection> ConnectAsync(TestServer server) => await RpcConnection.ConnectAsync(
        server.EndPoint, new RpcConnectionOptions { AcceptedEncodings = RpcEncodings.All }).InTime();

    private static BytesValue Noise(int length)
    {
        byte[] bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return new BytesValue { Value = ByteString.CopyFrom(bytes) };
    }
}
