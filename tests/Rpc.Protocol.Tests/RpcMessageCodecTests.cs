using System.Buffers;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Kestrel.Rpc.Protocol.Tests;

public class RpcMessageCodecTests
{
    [Fact]
    public void Deserialize_SplitAtEveryOffset_ReadsTheMessage()
    {
        byte[] bytes = Golden.ReplyBody;
        for (int offset = 0; offset <= bytes.Length; offset++)
        {
            Assert.Equal("Hello world", RpcMessageCodec.Deserialize<StringValue>(Segments.Cut(bytes, offset)).Value);
        }

        Assert.Equal("Hello world", RpcMessageCodec.Deserialize<StringValue>(Segments.OneByteEach(bytes)).Value);
    }

    [Fact]
    public void Deserialize_NoBytes_IsTheEmptyMessage() => Assert.Equal("", RpcMessageCodec.Deserialize<StringValue>(default).Value);

    [Theory]
    [InlineData(new byte[] { 0x0a })] // a tag without a value
    [InlineData(new byte[] { 0x0a, 0x05, 0x77 })] // a length beyond the end
    [InlineData(new byte[] { 0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f })] // a negative length
    [InlineData(new byte[] { 0x0a, 0xff, 0xff, 0xff, 0xff, 0x07 })] // a length of 2 GiB
    [InlineData(new byte[] { 0x0c })] // an end of group without a beginning
    [InlineData(new byte[] { 0x0b, 0x0b, 0x0b })] // groups without an end
    [InlineData(new byte[] { 0x0f })] // wire type 7
    [InlineData(new byte[] { 0x00 })] // field 0
    [InlineData(new byte[] { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff })] // a tag without an end
    public void Deserialize_NotTheMessage_IsADeserializationError(byte[] bytes)
    {
        foreach (ReadOnlySequence<byte> source in (ReadOnlySequence<byte>[])[new(bytes), Segments.OneByteEach(bytes)])
        {
            RpcException failed = Assert.Throws<RpcException>(() => RpcMessageCodec.Deserialize<StringValue>(source));
            Assert.Equal(RpcErrorCode.Deserialization, failed.Code);
            Assert.Contains("StringValue", failed.Message, StringComparison.Ordinal);
            Assert.NotNull(failed.InnerException);
        }
    }

    [Fact]
    public void Serialize_Message_IsReadBack()
    {
        ArrayBufferWriter<byte> output = new();
        Assert.Equal(13, RpcMessageCodec.Serialize(new StringValue { Value = "Hello world" }, output));
        Assert.Equal(Golden.ReplyBody, output.WrittenSpan.ToArray());
    }

    [Fact]
    public void Serialize_NoMessage_IsASerializationError()
    {
        ArrayBufferWriter<byte> output = new();
        Assert.Equal(RpcErrorCode.Serialization, Assert.Throws<RpcException>(() => RpcMessageCodec.Serialize(null, output)).Code);
        Assert.Equal(0, output.WrittenCount);
    }

    [Fact]
    public void Serialize_SizeThatChanges_IsASerializationErrorAndWritesNothing()
    {
        ArrayBufferWriter<byte> output = new();
        RpcException failed = Assert.Throws<RpcException>(() => RpcMessageCodec.Serialize(new LyingMessage(2, 3), output));
        Assert.Equal(RpcErrorCode.Serialization, failed.Code);
        Assert.Equal(0, output.WrittenCount);
    }
}
