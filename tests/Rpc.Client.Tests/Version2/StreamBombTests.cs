using System.Buffers;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client.Tests.Version2;

/// <summary>Replies of a stream that are small until they are decompressed: a server that sends many must not fill the memory of a client that does not read.</summary>
public class StreamBombTests
{
    private const int Length = 1_000_000;

    public static TheoryData<RpcEncoding> Encodings => [RpcEncoding.Gzip, RpcEncoding.Brotli, RpcEncoding.Snappy];

    [Theory, MemberData(nameof(Encodings))]
    public async Task Replies_NobodyReads_StayAsTheyCame(RpcEncoding encoding)
    {
        const int Replies = 10;
        Counting codec = new();
        RpcMethod<StringValue, StringValue> watch = new(RpcMethodShape.ServerStreaming, new RpcMethodName("stream", "Watch"), RpcCodec.Protobuf<StringValue>(), codec);
        await using ScriptedServer server = new(new RpcConnectionOptions { AcceptedEncodings = RpcEncodings.All });
        using RpcServerStreamingCall<StringValue> call = server.Client.StartServerStream(watch, new StringValue());
        uint id = (await server.ReceiveAsync(RpcFrameType.Request)).CallId;
        byte[] bomb = Compress(encoding, Length);
        Assert.InRange(bomb.Length, 1, Length / 15);

        for (int i = 0; i < Replies / 2; i++)
        {
            await server.SendAsync(ServerFrame.Raw(RpcFrameType.Data, id, Header(encoding), bomb));
        }

        await SyncAsync(server);
        Assert.Equal(0, codec.Count);
        for (int i = 0; i < Replies; i++)
        {
            if (i >= Replies / 2)
            {
                // The reader waits for this one.
                ValueTask<bool> waiting = call.Replies.MoveNextAsync();
                await server.SendAsync(ServerFrame.Raw(RpcFrameType.Data, id, Header(encoding), bomb));
                Assert.True(await waiting.Within());
            }
            else
            {
                Assert.True(await call.Replies.MoveNextAsync().Within());
            }

            Assert.Equal(i + 1, codec.Count);
            Assert.Equal(Length, call.Replies.Current.Value.Length);
        }

        await server.SendAsync(ServerFrame.End(id));
        Assert.False(await call.Replies.MoveNextAsync().Within());
    }

    [Theory]
    [InlineData(RpcEncoding.Gzip, false), InlineData(RpcEncoding.Brotli, false), InlineData(RpcEncoding.Snappy, false)]
    [InlineData(RpcEncoding.Gzip, true), InlineData(RpcEncoding.Brotli, true), InlineData(RpcEncoding.Snappy, true)]
    public async Task Reply_OverTheLimitWhenDecompressed_FailsTheCallWhenItIsRead(RpcEncoding encoding, bool hasEnded)
    {
        await using ScriptedServer server = new(new RpcConnectionOptions { AcceptedEncodings = RpcEncodings.All, Settings = new RpcSettings { MaxMessageLength = 100_000 } });
        RpcMethod<StringValue, StringValue> watch = RpcMethod.Create<StringValue, StringValue>(RpcMethodShape.ServerStreaming, "stream", "Watch");
        using RpcServerStreamingCall<StringValue> call = server.Client.StartServerStream(watch, new StringValue());
        uint id = (await server.ReceiveAsync(RpcFrameType.Request)).CallId;
        await server.SendAsync(
            ServerFrame.Data(id, "good"),
            ServerFrame.Raw(RpcFrameType.Data, id, Header(encoding), Compress(encoding, Length)),
            ServerFrame.Data(id, "behind"),
            hasEnded ? ServerFrame.End(id) : []);
        await SyncAsync(server);

        Assert.True(await call.Replies.MoveNextAsync().Within());
        Assert.Equal("good", call.Replies.Current.Value);
        for (int i = 0; i < 2; i++)
        {
            RpcException failed = await Assert.ThrowsAsync<RpcException>(() => call.Replies.MoveNextAsync().Within());
            Assert.Equal(RpcStatusCode.ResourceExhausted, failed.StatusCode);
        }

        Assert.Equal(RpcStatusCode.ResourceExhausted, call.Status.Code);
        Assert.False(server.Client.Closed.IsCompleted);
        if (!hasEnded)
        {
            Assert.Equal(id, (await server.ReceiveAsync(RpcFrameType.Cancel)).CallId);
        }
    }

    private static byte[] Header(RpcEncoding encoding)
    {
        ArrayBufferWriter<byte> frame = new();
        RpcCallHeader header = new() { Flags = RpcCallBits.Compressed, Encoding = encoding };
        RpcCallFrameWriter.Write(frame, RpcFrameType.Data, 1, default, header, default, RpcFrameRules.DefaultVersion2Limits);
        return frame.WrittenSpan[RpcFrameHeader.Size..].ToArray();
    }

    // All that was sent before has been read when this is answered.
    private static async Task SyncAsync(ScriptedServer server)
    {
        await server.SendAsync(ServerFrame.Ping(7));
        await server.ReceiveAsync(RpcFrameType.Pong);
    }

    private static byte[] Compress(RpcEncoding encoding, int length)
    {
        ArrayBufferWriter<byte> output = new();
        RpcCompression.Compress(encoding, new ReadOnlySequence<byte>(ServerFrame.Text(new string('x', length))), output);
        return output.WrittenSpan.ToArray();
    }

    private sealed class Counting : IRpcCodec<StringValue>
    {
        private int _read;

        public int Count => Volatile.Read(ref _read);

        public int GetSize(StringValue message) => message.CalculateSize();

        public void Serialize(StringValue message, Span<byte> destination) => throw new NotSupportedException("Replies are read only.");

        public StringValue Deserialize(in ReadOnlySequence<byte> source)
        {
            Interlocked.Increment(ref _read);
            return StringValue.Parser.ParseFrom(source);
        }
    }
}
