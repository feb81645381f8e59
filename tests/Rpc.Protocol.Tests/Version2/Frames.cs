using System.Buffers;

namespace Kestrel.Rpc.Protocol.Tests;

/// <summary>Makes and takes apart frames of version 2.</summary>
internal static class Frames
{
    public static readonly RpcMethodName Hello = RpcMethodName.Parse("helloworld/Hello");

    public static readonly RpcFrameRules Rules = RpcFrameRules.Default.For(RpcFrameHeader.Version2);

    public static RpcFrameLimits Limits => RpcFrameRules.DefaultVersion2Limits;

    /// <summary>A frame out of its parts, whatever they are.</summary>
    public static byte[] Make(RpcFrameType type, uint callId, byte[]? header = null, byte[]? body = null)
    {
        byte[] bytes = new byte[RpcFrameHeader.Size];
        new RpcFrameHeader(RpcFrameHeader.Version2, type, callId, (uint)(header?.Length ?? 0), (uint)(body?.Length ?? 0)).Write(bytes);
        return [.. bytes, .. header ?? [], .. body ?? []];
    }

    public static byte[] Write(Func<IBufferWriter<byte>, int> write)
    {
        ArrayBufferWriter<byte> output = new();
        Assert.Equal(write(output), output.WrittenCount);
        return output.WrittenSpan.ToArray();
    }

    public static byte[] WriteCall(RpcFrameType type, uint callId, RpcMethodReference method, in RpcCallHeader header, byte[]? body = null)
    {
        ArrayBufferWriter<byte> output = new();
        Assert.Equal(RpcCallFrameWriter.Write(output, type, callId, method, header, new(body ?? []), Limits), output.WrittenCount);
        return output.WrittenSpan.ToArray();
    }

    public static byte[] Repeat(ReadOnlySpan<byte> bytes, int times)
    {
        byte[] all = new byte[bytes.Length * times];
        for (int i = 0; i < times; i++)
        {
            bytes.CopyTo(all.AsSpan(i * bytes.Length));
        }

        return all;
    }

    /// <summary>Reads one whole frame that must be good and fill the bytes.</summary>
    public static RpcFrame Read(ReadOnlySequence<byte> buffer)
    {
        Assert.Equal(RpcFrameReadStatus.Frame, RpcFrameReader.TryRead(ref buffer, Rules, out RpcFrame frame, out RpcFrameError error));
        Assert.Equal(RpcFrameErrorKind.None, error.Kind);
        Assert.True(buffer.IsEmpty);
        return frame;
    }

    public static RpcFrame Read(byte[] bytes) => Read(new ReadOnlySequence<byte>(bytes));

    public static RpcHeaderError ReadHeader(RpcFrameType type, byte[] header, int bodyLength = 0) =>
        RpcReceivedHeader.Read(
            new RpcFrameHeader(RpcFrameHeader.Version2, type, 1, (uint)header.Length, (uint)bodyLength),
            header,
            out _);

    public static RpcReceivedHeader Good(RpcFrameType type, byte[] header, int bodyLength = 0)
    {
        RpcHeaderError error = RpcReceivedHeader.Read(
            new RpcFrameHeader(RpcFrameHeader.Version2, type, 1, (uint)header.Length, (uint)bodyLength),
            header,
            out RpcReceivedHeader read);
        Assert.Equal(RpcHeaderError.None, error);
        return read;
    }

    /// <summary>Reads the frame header of a frame of any type.</summary>
    public static RpcHeaderError ReadAny(in RpcFrame frame)
    {
        using RpcHeaderBytes header = new(frame.ProtocolData);
        switch (frame.Header.Type)
        {
            case RpcFrameType.Credit:
                return RpcControlFrame.ReadCredit(header.Span, out _);
            case RpcFrameType.Cancel:
                return RpcControlFrame.ReadCancel(header.Span, out _);
            case RpcFrameType.Ping or RpcFrameType.Pong:
                RpcControlFrame.ReadPing(frame.Body);
                return RpcHeaderError.None;
            case RpcFrameType.GoAway:
                return RpcControlFrame.ReadGoAway(header.Span, out _, out _);
            case RpcFrameType.Settings:
                return RpcSettings.Read(header.Span, out _);
            default:
                return RpcReceivedHeader.Read(frame.Header, header.Span, out _);
        }
    }
}
