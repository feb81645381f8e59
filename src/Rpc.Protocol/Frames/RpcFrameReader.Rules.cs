using System.Buffers;

namespace Kestrel.Rpc.Protocol;

/// <content>Frames of several versions.</content>
public static partial class RpcFrameReader
{
    // A REQUEST has at least its flags and a reference to its method.
    private const uint ShortestRequestHeader = 2;
    private const uint PingLength = RpcControlFrame.PingLength;

    /// <summary>
    /// Reads the next frame of any version that the rules accept, as the overload for version 1 does. Of a version-2 frame the call
    /// id and the lengths have been checked against its type; who may send that type is for the caller to judge.
    /// </summary>
    /// <param name="buffer">The bytes received. After a frame it starts behind that frame; otherwise it is unchanged.</param>
    /// <param name="rules">The versions accepted and their limits, checked before the rest of the frame is waited for.</param>
    /// <param name="frame">The frame, in the memory of the buffer.</param>
    /// <param name="error">What is wrong, with <see cref="RpcFrameReadStatus.Error"/>.</param>
    /// <returns>Whether there is a frame, an error, or not enough bytes to tell.</returns>
    public static RpcFrameReadStatus TryRead(
        ref ReadOnlySequence<byte> buffer,
        RpcFrameRules rules,
        out RpcFrame frame,
        out RpcFrameError error)
    {
        ReadOnlySpan<byte> first = buffer.FirstSpan;
        RpcFrameReadStatus status = first.Length >= RpcFrameHeader.Size || buffer.IsSingleSegment
            ? TryReadHeader(first, rules, out RpcFrameHeader header, out error)
            : TryReadScatteredHeader(buffer, rules, out header, out error);
        return status == RpcFrameReadStatus.Frame ? Take(ref buffer, header, out frame) : None(status, out frame);
    }

    /// <summary>Reads and checks the header of the next frame; what follows it may still be missing.</summary>
    /// <param name="source">The first bytes of the frame; more may follow.</param>
    /// <param name="rules">The versions accepted and their limits.</param>
    /// <param name="header">The header, with <see cref="RpcFrameReadStatus.Frame"/>.</param>
    /// <param name="error">What is wrong, with <see cref="RpcFrameReadStatus.Error"/>.</param>
    /// <returns><see cref="RpcFrameReadStatus.Frame"/> if the header is there and good.</returns>
    public static RpcFrameReadStatus TryReadHeader(
        ReadOnlySpan<byte> source,
        RpcFrameRules rules,
        out RpcFrameHeader header,
        out RpcFrameError error)
    {
        ArgumentNullException.ThrowIfNull(rules);
        return RpcFrameHeader.TryParse(source, out header)
            ? Judge(header, Check(header, rules), out error)
            : NoHeader(source, out error);
    }

    private static RpcFrameReadStatus TryReadScatteredHeader(
        in ReadOnlySequence<byte> buffer,
        RpcFrameRules rules,
        out RpcFrameHeader header,
        out RpcFrameError error)
    {
        Span<byte> gathered = stackalloc byte[RpcFrameHeader.Size];
        int available = (int)Math.Min(buffer.Length, RpcFrameHeader.Size);
        buffer.Slice(0, available).CopyTo(gathered);
        return TryReadHeader(gathered[..available], rules, out header, out error);
    }

    private static RpcFrameErrorKind Check(in RpcFrameHeader header, RpcFrameRules rules)
    {
        if (rules.LimitsOf(header.Version) is not { } limits)
        {
            return RpcFrameErrorKind.UnsupportedVersion;
        }

        RpcFrameType last = header.Version == RpcFrameHeader.Version1 ? RpcFrameType.Response : RpcFrameType.Settings;
        if (header.Type is < RpcFrameType.Request || header.Type > last)
        {
            return RpcFrameErrorKind.UnknownType;
        }

        if (header.ProtocolDataLength > (uint)limits.MaxProtocolDataLength)
        {
            return RpcFrameErrorKind.ProtocolDataTooLong;
        }

        if (header.BodyLength > (uint)limits.MaxBodyLength)
        {
            return RpcFrameErrorKind.BodyTooLong;
        }

        return header.Version == RpcFrameHeader.Version1 ? RpcFrameErrorKind.None : CheckShape(header);
    }

    // Call id and lengths must be what the type has. The frames of calls first: they are nearly all.
    private static RpcFrameErrorKind CheckShape(in RpcFrameHeader header)
    {
        if (header.Type <= RpcFrameType.Response)
        {
            return header.SequenceId == 0 ? RpcFrameErrorKind.WrongCallId
                : header.Type == RpcFrameType.Request && header.ProtocolDataLength < ShortestRequestHeader ? RpcFrameErrorKind.WrongLength
                : RpcFrameErrorKind.None;
        }

        bool isOfCall = header.SequenceId != 0;
        bool hasHeader = header.ProtocolDataLength != 0;
        bool hasBody = header.BodyLength != 0;
        (bool idFits, bool lengthsFit) = header.Type switch
        {
            RpcFrameType.Data => (isOfCall, true),
            RpcFrameType.Headers or RpcFrameType.Cancel => (isOfCall, !hasBody),
            RpcFrameType.Credit => (true, hasHeader && !hasBody),
            RpcFrameType.Ping or RpcFrameType.Pong => (!isOfCall, !hasHeader && header.BodyLength == PingLength),
            RpcFrameType.GoAway => (!isOfCall, hasHeader && !hasBody),
            _ => (!isOfCall, !hasBody),
        };
        return !idFits ? RpcFrameErrorKind.WrongCallId : !lengthsFit ? RpcFrameErrorKind.WrongLength : RpcFrameErrorKind.None;
    }

    private static RpcFrameReadStatus None(RpcFrameReadStatus status, out RpcFrame frame)
    {
        frame = default;
        return status;
    }

    private static RpcFrameReadStatus Take(ref ReadOnlySequence<byte> buffer, in RpcFrameHeader header, out RpcFrame frame)
    {
        if (buffer.Length < header.FrameLength)
        {
            return None(RpcFrameReadStatus.NeedMore, out frame);
        }

        ReadOnlySequence<byte> protocolData = buffer.Slice((long)RpcFrameHeader.Size, header.ProtocolDataLength);
        ReadOnlySequence<byte> body = buffer.Slice(RpcFrameHeader.Size + (long)header.ProtocolDataLength, header.BodyLength);
        frame = new RpcFrame(header, protocolData, body);
        buffer = buffer.Slice(body.End);
        return RpcFrameReadStatus.Frame;
    }
}
