using System.Buffers;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client.Tests.Version2;

/// <summary>Compressed messages in both directions.</summary>
public class CompressionTests
{
    private static readonly string Long = new('x', 10_000);

    public static TheoryData<RpcEncoding> Encodings => [RpcEncoding.Gzip, RpcEncoding.Brotli, RpcEncoding.Snappy];

    [Theory]
    [MemberData(nameof(Encodings))]
    public async Task Request_Compressed_IsShorterAndItsAttachmentAsItWas(RpcEncoding encoding)
    {
        await using ScriptedServer server = new();
        _ = server.HelloAsync(Long, new RpcCallOptions { Compression = encoding, Attachment = new byte[] { 1, 2 } });
        ClientFrame request = await server.ReceiveAsync();
        Assert.Equal(RpcCallBits.End | RpcCallBits.Compressed, request.Flags);
        Assert.Equal(encoding, request.Encoding);
        Assert.InRange(request.Body.Length, 10, 1000);
        Assert.Equal([1, 2], request.Body[^2..]);
        ArrayBufferWriter<byte> plain = new();
        Assert.Equal(RpcDecompressionResult.Done, RpcCompression.Decompress(encoding, new(request.Body[..^2]), plain, 100_000));
        Assert.Equal(ServerFrame.Text(Long), plain.WrittenSpan.ToArray());
    }

    [Fact]
    public async Task Request_ThatGetsNoShorter_GoesAsItIs()
    {
        await using ScriptedServer server = new();
        _ = server.HelloAsync("a", new RpcCallOptions { Compression = RpcEncoding.Gzip });
        ClientFrame request = await server.ReceiveAsync();
        Assert.Equal((RpcCallBits.End, RpcEncoding.None, "a"), (request.Flags, request.Encoding, request.Text));
    }

    [Fact]
    public async Task Request_InJsonThatGetsNoShorter_GoesAsItIs()
    {
        await using ScriptedServer server = new();
        byte[] bytes = new byte[60_000];
        new Random(1).NextBytes(bytes);
        RpcMethod<byte[], StringValue> method = RpcMethod.Create(
            RpcMethodShape.Unary, "a", "B", RpcCodec.Json(BytesJson.Default.ByteArray), RpcCodec.Protobuf<StringValue>());
        _ = server.Client.CallAsync(method, bytes, new RpcCallOptions { Compression = RpcEncoding.Snappy }).AsTask();
        ClientFrame request = await server.ReceiveAsync();
        Assert.Equal(RpcEncoding.None, request.Encoding);
        ClientFrame rest = await server.ReceiveAsync(); // too long for one frame
        Assert.Equal(bytes, RpcCodec.Json(BytesJson.Default.ByteArray).Deserialize(new([.. request.Body, .. rest.Body])));
    }

    [Theory]
    [MemberData(nameof(Encodings))]
    public async Task Replies_Compressed_AreRead(RpcEncoding encoding)
    {
        await using ScriptedServer server = new(new RpcConnectionOptions { AcceptedEncodings = RpcEncodings.All });
        RpcMethod<StringValue, StringValue> watch = RpcMethod.Create<StringValue, StringValue>(RpcMethodShape.DuplexStreaming, "a", "Watch");
        using RpcDuplexStreamingCall<StringValue, StringValue> call = server.Client.StartDuplexStream(watch, new RpcCallOptions { Compression = encoding });
        ClientFrame request = await server.ReceiveAsync();
        Assert.Equal(RpcEncodings.All, request.AcceptedEncodings);
        await call.Requests.WriteAsync(new StringValue { Value = Long }).Within();
        ClientFrame item = await server.ReceiveAsync();
        Assert.Equal((RpcCallBits.Compressed, encoding), (item.Flags, item.Encoding));

        // The server says it the same way: the encoding on the first message alone.
        await server.SendAsync(
            ServerFrame.Raw(RpcFrameType.Data, request.CallId, item.Header, item.Body),
            ServerFrame.Raw(RpcFrameType.Data, request.CallId, [(byte)RpcCallBits.Compressed], item.Body),
            ServerFrame.Data(request.CallId, "plain"),
            ServerFrame.End(request.CallId));
        foreach (string expected in new[] { Long, Long, "plain" })
        {
            Assert.True(await call.Replies.MoveNextAsync().Within());
            Assert.Equal(expected, call.Replies.Current.Value);
        }
    }

    [Theory]
    [InlineData(RpcEncoding.Gzip, RpcStatusCode.Internal)]
    [InlineData((RpcEncoding)9, RpcStatusCode.Unimplemented)]
    [InlineData(RpcEncoding.None, RpcStatusCode.Unimplemented)]
    public async Task Reply_ThatCannotBeDecompressed_FailsThatCallAlone(RpcEncoding encoding, RpcStatusCode code)
    {
        await using ScriptedServer server = new();
        Task<StringValue> call = server.HelloAsync("a");
        RpcCallHeader header = new() { Flags = RpcCallBits.Compressed, Encoding = encoding };
        await server.SendAsync(ServerFrame.Response((await server.ReceiveAsync()).CallId, header, [1, 2, 3]));
        Assert.Equal(code, (await Assert.ThrowsAsync<RpcException>(() => call.Within())).StatusCode);
        Assert.False(server.Client.Closed.IsCompleted);
    }

    [Fact]
    public async Task Reply_LongerThanTheLimitWhenDecompressed_FailsWithResourceExhausted()
    {
        await using ScriptedServer server = new(new RpcConnectionOptions { Settings = new RpcSettings { MaxMessageLength = 5000 } });
        Task<StringValue> call = server.HelloAsync("a");
        ArrayBufferWriter<byte> bomb = new();
        RpcCompression.Compress(RpcEncoding.Gzip, new(ServerFrame.Text(Long)), bomb);
        RpcCallHeader header = new() { Flags = RpcCallBits.Compressed, Encoding = RpcEncoding.Gzip };
        await server.SendAsync(ServerFrame.Response((await server.ReceiveAsync(RpcFrameType.Request)).CallId, header, bomb.WrittenSpan.ToArray()));
        Assert.Equal(RpcStatusCode.ResourceExhausted, (await Assert.ThrowsAsync<RpcException>(() => call.Within())).StatusCode);
    }
}

[System.Text.Json.Serialization.JsonSerializable(typeof(byte[]))]
internal sealed partial class BytesJson : System.Text.Json.Serialization.JsonSerializerContext;
