using System.Buffers;
using Google.Protobuf.WellKnownTypes;

namespace Kestrel.Rpc.Protocol.Tests;

public class RpcCallFrameWriterTests
{
    private static readonly StringValue World = new() { Value = "world" };

    [Fact]
    public void Write_ShortForms_AreTheGeneralOnes()
    {
        byte[] span = new byte[RpcCallFrameWriter.MaxShortStart];
        foreach (int index in (int[])[1, 63, 64, 256, RpcMethodReference.MaxIndex])
        {
            byte[] general = Frames.WriteCall(RpcFrameType.Request, 9, new RpcMethodReference(index), new() { Flags = RpcCallBits.End }, [1, 2, 3]);
            int length = RpcCallFrameWriter.WriteRequestStart(span, 9, index, 3);
            Assert.Equal(general[..^3], span[..length]);
        }

        byte[] reply = Frames.WriteCall(RpcFrameType.Response, 9, default, default, [1, 2, 3]);
        Assert.Equal(reply[..^3], span[..RpcCallFrameWriter.WriteResponseStart(span, 9, 3)]);
    }

    [Fact]
    public void WriteMessage_Request_IsReadBack()
    {
        byte[] bytes = Frames.Write(output => RpcCallFrameWriter.WriteMessage(
            output, RpcFrameType.Request, 3, new RpcMethodReferences().For(Frames.Hello), new() { Flags = RpcCallBits.End }, World, Frames.Limits));
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            RpcFrame frame = Frames.Read(Segments.Cut(bytes, cut));
            using RpcHeaderBytes header = new(frame.ProtocolData);
            Assert.Equal(RpcHeaderError.None, RpcReceivedHeader.Read(frame.Header, header.Span, out RpcReceivedHeader read));
            Assert.Equal(RpcCallBits.End, read.Flags);
            Assert.True(read.Method.Name.SequenceEqual("helloworld/Hello"u8));
            Assert.Equal("world", RpcMessageCodec.Deserialize<StringValue>(frame.Body).Value);
        }
    }

    [Fact]
    public void Write_StatusAndTrailers_AreReadBack()
    {
        RpcStatus status = new(RpcStatusCode.NotFound, "no such stock: \u00e4\u20ac", new byte[] { 1, 2 });
        RpcCallHeader header = new()
        {
            Flags = RpcCallBits.NoMessage,
            Status = status,
            Metadata = new() { { "a", "1" } },
            Trailers = new() { { "b", "2" }, { "c-bin", [3, 4] }, { "B", "5" } },
        };
        RpcFrame frame = Frames.Read(Frames.WriteCall(RpcFrameType.Response, 3, default, header));
        RpcReceivedHeader read = Frames.Good(RpcFrameType.Response, frame.ProtocolData.ToArray());
        Assert.Equal(status, read.ToStatus());
        Assert.Equal(RpcMetadataError.None, read.ReadMetadata(RpcMetadataLimits.Default, out RpcMetadata metadata));
        Assert.Equal(RpcMetadataError.None, read.ReadTrailers(RpcMetadataLimits.Default, out RpcMetadata trailers));
        Assert.Equal(header.Metadata, metadata);
        Assert.Equal(header.Trailers, trailers);
    }

    [Theory]
    [InlineData(0.0001, 1)]
    [InlineData(1.5, 2)]
    [InlineData(-5, 0)]
    [InlineData(0, 0)]
    public void Write_Timeout_IsRoundedUpToMilliseconds(double milliseconds, int expected)
    {
        RpcCallHeader header = new() { Flags = RpcCallBits.End, Timeout = TimeSpan.FromMilliseconds(milliseconds) };
        RpcFrame frame = Frames.Read(Frames.WriteCall(RpcFrameType.Request, 3, new RpcMethodReference(1), header));
        Assert.Equal(TimeSpan.FromMilliseconds(expected), Frames.Good(RpcFrameType.Request, frame.ProtocolData.ToArray()).Timeout);
    }

    [Fact]
    public void Write_LongestTimeout_IsReadBack()
    {
        RpcCallHeader header = new() { Flags = RpcCallBits.End, Timeout = TimeSpan.MaxValue };
        RpcFrame frame = Frames.Read(Frames.WriteCall(RpcFrameType.Request, 3, new RpcMethodReference(1), header));
        Assert.Equal(TimeSpan.MaxValue, Frames.Good(RpcFrameType.Request, frame.ProtocolData.ToArray()).Timeout);
    }

    [Fact]
    public void Write_LongStatusMessage_IsCutButNotInsideACharacter()
    {
        string message = new string('x', RpcCallHeader.MaxStatusMessageLength - 1) + "\U0001F600 and more";
        RpcCallHeader header = new() { Flags = RpcCallBits.NoMessage, Status = new RpcStatus(RpcStatusCode.Internal, message) };
        RpcFrame frame = Frames.Read(Frames.WriteCall(RpcFrameType.Response, 3, default, header));
        Assert.Equal(message[..(RpcCallHeader.MaxStatusMessageLength - 1)], Frames.Good(RpcFrameType.Response, frame.ProtocolData.ToArray()).ToStatus().Message);
    }

    [Fact]
    public void Write_OverALimit_WritesNothing()
    {
        ArrayBufferWriter<byte> output = new();
        RpcCallHeader large = new() { Flags = RpcCallBits.End, Metadata = new() { { "k", new string('v', 70_000) } } };
        RpcFrameLimits small = new() { MaxProtocolDataLength = 100, MaxBodyLength = 4 };
        RpcException header = Assert.Throws<RpcException>(() => RpcCallFrameWriter.Write(
            output, RpcFrameType.Request, 1, new RpcMethodReference(1), large, default, Frames.Limits));
        RpcException body = Assert.Throws<RpcException>(() => RpcCallFrameWriter.Write(
            output, RpcFrameType.Response, 1, default, default, new(new byte[5]), small));
        RpcException message = Assert.Throws<RpcException>(() => RpcCallFrameWriter.WriteMessage(
            output, RpcFrameType.Response, 1, default, default, World, small));
        RpcException lying = Assert.Throws<RpcException>(() => RpcCallFrameWriter.WriteMessage(
            output, RpcFrameType.Response, 1, default, default, new LyingMessage(2, 3), small));
        Assert.All([header, body, message], exception => Assert.Equal(RpcStatusCode.ResourceExhausted, exception.StatusCode));
        Assert.Equal(RpcErrorCode.Serialization, lying.Code);
        Assert.Equal(0, output.WrittenCount);
    }

    [Fact]
    public void Write_WrongArguments_Throw()
    {
        Assert.Throws<ArgumentException>(() => Frames.WriteCall(RpcFrameType.Request, 1, default, default));
        Assert.Throws<ArgumentException>(() => Frames.WriteCall(RpcFrameType.Response, 1, new RpcMethodReference(1), default));
        Assert.Throws<ArgumentException>(() => Frames.WriteCall(RpcFrameType.Ping, 1, default, default));
        Assert.Throws<ArgumentOutOfRangeException>(() => Frames.WriteCall(RpcFrameType.Response, 0, default, default));
    }

    [Fact]
    public void WriteAndRead_CommonCalls_AllocateNothing()
    {
        ArrayBufferWriter<byte> output = new(4096);
        RpcMethodReferences references = new();
        RpcMethodTable<string> table = new();
        RpcMethodName other = new("S", "M");
        for (int i = 0; i < 3; i++)
        {
            Run(100);
            long before = GC.GetAllocatedBytesForCurrentThread();
            Run(100);
            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        void Call(uint callId, RpcMethodName method, in RpcCallHeader header)
        {
            RpcMethodReference reference = references.For(method);
            RpcCallFrameWriter.WriteMessage(output, RpcFrameType.Request, callId, reference, header, World, Frames.Limits);
            references.Defined(method, reference);
        }

        void Run(int times)
        {
            for (int i = 0; i < times; i++)
            {
                output.ResetWrittenCount();
                RpcCallHeader plain = new() { Flags = RpcCallBits.End };
                RpcCallHeader timed = new() { Flags = RpcCallBits.End, Timeout = TimeSpan.FromSeconds(1), AttachmentLength = 2 };
                Call(1, Frames.Hello, plain);
                Call(2, other, timed);
                RpcCallFrameWriter.WriteMessage(output, RpcFrameType.Response, 1, default, default, World, Frames.Limits);
                RpcControlFrame.WriteCredit(output, 2, 100_000);
                RpcControlFrame.WriteCancel(output, 2);
                RpcControlFrame.WritePing(output, 3);
                ReadOnlySequence<byte> buffer = new(output.WrittenMemory);
                while (RpcFrameReader.TryRead(ref buffer, Frames.Rules, out RpcFrame frame, out _) == RpcFrameReadStatus.Frame)
                {
                    using RpcHeaderBytes bytes = new(frame.ProtocolData);
                    if (frame.Header.Type > RpcFrameType.Data)
                    {
                        continue;
                    }

                    RpcReceivedHeader.Read(frame.Header, bytes.Span, out RpcReceivedHeader header);
                    if (header.Method.IsNamed)
                    {
                        table.Define(header.Method.Index, "method");
                    }
                    else if (frame.Header.Type == RpcFrameType.Request && table.Find(header.Method.Index) is null)
                    {
                        Assert.Fail("The method was defined.");
                    }
                }
            }
        }
    }
}
