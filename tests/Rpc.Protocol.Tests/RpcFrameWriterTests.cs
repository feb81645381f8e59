using System.Buffers;
using System.IO.Pipelines;
using Google.Protobuf.WellKnownTypes;

namespace Kestrel.Rpc.Protocol.Tests;

public class RpcFrameWriterTests
{
    private static readonly RpcMethodName Hello = new("helloworld", "Hello");

    // On the wire a StringValue is the HelloRequest of the golden vector: one string, field 1.
    private static readonly StringValue World = new() { Value = "world" };

    [Fact]
    public void Write_GoldenRequest_IsByteForByte()
    {
        ArrayBufferWriter<byte> output = new();
        int written = RpcFrameWriter.Write(output, RpcFrameType.Request, 1, Golden.ProtocolData, Golden.RequestBody);
        Assert.Equal(Golden.Request, output.WrittenSpan.ToArray());
        Assert.Equal(Golden.Request.Length, written);
    }

    [Fact]
    public void Write_ToSpan_IsByteForByteAndLeavesTheRest()
    {
        byte[] destination = new byte[Golden.Request.Length + 1];
        destination[^1] = 0xee;
        int written = RpcFrameWriter.Write(destination, RpcFrameType.Request, 1, Golden.ProtocolData, Golden.RequestBody);
        Assert.Equal([.. Golden.Request, 0xee], destination);
        Assert.Equal(Golden.Request.Length, written);
    }

    [Fact]
    public void Write_ToShortSpan_Throws() =>
        Assert.Throws<ArgumentException>(() => RpcFrameWriter.Write(
            new byte[Golden.Request.Length - 1], RpcFrameType.Request, 1, Golden.ProtocolData, Golden.RequestBody));

    [Fact]
    public void WriteMessage_GoldenRequestAndReply_AreByteForByte()
    {
        ArrayBufferWriter<byte> output = new();
        RpcFrameWriter.WriteMessage(output, RpcFrameType.Request, 1, Hello.ProtocolData.Span, World, RpcFrameLimits.Default);
        RpcFrameWriter.WriteMessage(
            output, RpcFrameType.Response, 1, Hello.ProtocolData.Span, new StringValue { Value = "Hello world" }, RpcFrameLimits.Default);
        Assert.Equal([.. Golden.Request, .. Golden.Reply], output.WrittenSpan.ToArray());
    }

    [Fact]
    public async Task WriteMessage_LargerThanAPipesBlock_IsReadBack()
    {
        Pipe pipe = new(new PipeOptions(pauseWriterThreshold: 0));
        StringValue large = new() { Value = new string('x', 300_000) };
        int written = RpcFrameWriter.WriteMessage(pipe.Writer, RpcFrameType.Request, 5, Hello.ProtocolData.Span, large, RpcFrameLimits.Default);
        await pipe.Writer.FlushAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(10));
        ReadOnlySequence<byte> buffer = (await pipe.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(10))).Buffer;
        Assert.Equal(written, buffer.Length);
        Assert.Equal(RpcFrameReadStatus.Frame, RpcFrameReader.TryRead(ref buffer, RpcFrameLimits.Default, out RpcFrame frame, out _));
        Assert.Equal(large, RpcMessageCodec.Deserialize<StringValue>(frame.Body));
    }

    [Fact]
    public void WriteMessage_AtTheLimitAndOneOver_WritesAndThrows()
    {
        RpcFrameLimits limits = new() { MaxBodyLength = World.CalculateSize() };
        ArrayBufferWriter<byte> output = new();
        RpcFrameWriter.WriteMessage(output, RpcFrameType.Request, 1, Hello.ProtocolData.Span, World, limits);
        Assert.Equal(Golden.Request, output.WrittenSpan.ToArray());

        RpcException over = Assert.Throws<RpcException>(() => RpcFrameWriter.WriteMessage(
            output, RpcFrameType.Request, 1, Hello.ProtocolData.Span, new StringValue { Value = "worlds" }, limits));
        Assert.Equal(RpcErrorCode.Encoding, over.Code);
        Assert.Equal(Golden.Request.Length, output.WrittenCount);
    }

    [Fact]
    public void WriteMessage_ProtocolDataOverTheLimit_Throws()
    {
        RpcFrameLimits limits = new() { MaxProtocolDataLength = 50 };
        ArrayBufferWriter<byte> output = new();
        RpcException over = Assert.Throws<RpcException>(() => RpcFrameWriter.WriteMessage(
            output, RpcFrameType.Request, 1, Hello.ProtocolData.Span, World, limits));
        Assert.Equal(RpcErrorCode.Encoding, over.Code);
        Assert.Equal(0, output.WrittenCount);
    }

    [Fact]
    public void WriteMessage_MessageThatFails_WritesNothing()
    {
        ArrayBufferWriter<byte> output = new();
        foreach (LyingMessage message in (LyingMessage[])[new(claimed: 4, written: 3), new(claimed: 4, written: 5)])
        {
            RpcException failed = Assert.Throws<RpcException>(() => RpcFrameWriter.WriteMessage(
                output, RpcFrameType.Request, 1, Hello.ProtocolData.Span, message, RpcFrameLimits.Default));
            Assert.Equal(RpcErrorCode.Serialization, failed.Code);
            Assert.Equal(0, output.WrittenCount);
        }
    }

    [Fact]
    public void WriteMessage_IntoReadyMemory_AllocatesNothing()
    {
        ArrayBufferWriter<byte> output = new(4096);
        Write(output, 100);

        long before = GC.GetAllocatedBytesForCurrentThread();
        Write(output, 100);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        static void Write(ArrayBufferWriter<byte> output, int times)
        {
            for (int i = 0; i < times; i++)
            {
                output.ResetWrittenCount();
                RpcFrameWriter.WriteMessage(output, RpcFrameType.Request, 1, Hello.ProtocolData.Span, World, RpcFrameLimits.Default);
            }
        }
    }
}
