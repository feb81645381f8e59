using System.Buffers;

namespace Kestrel.Rpc.Protocol;

/// <summary>Finds frames in bytes. Pure: no state, no I/O, no allocation. Safe to call from any thread.</summary>
public static partial class RpcFrameReader
{
    private const byte MagicFirst = RpcFrameHeader.Magic >> 8;
    private const byte MagicSecond = RpcFrameHeader.Magic & 0xFF;

    /// <summary>
    /// Reads the next frame of version 1. Call it until it returns something else than <see cref="RpcFrameReadStatus.Frame"/>;
    /// several frames may lie in one buffer. How the bytes are spread over segments never changes the result.
    /// </summary>
    /// <param name="buffer">The bytes received. After a frame it starts behind that frame; otherwise it is unchanged.</param>
    /// <param name="limits">The longest frame accepted, checked before the rest of the frame is waited for.</param>
    /// <param name="frame">The frame, in the memory of the buffer.</param>
    /// <param name="error">What is wrong, with <see cref="RpcFrameReadStatus.Error"/>.</param>
    /// <returns>Whether there is a frame, an error, or not enough bytes to tell.</returns>
    public static RpcFrameReadStatus TryRead(
        ref ReadOnlySequence<byte> buffer,
        RpcFrameLimits limits,
        out RpcFrame frame,
        out RpcFrameError error)
    {
        ReadOnlySpan<byte> first = buffer.FirstSpan;
        RpcFrameReadStatus status = first.Length >= RpcFrameHeader.Size || buffer.IsSingleSegment
            ? TryReadHeader(first, limits, out RpcFrameHeader header, out error)
            : TryReadScatteredHeader(buffer, limits, out header, out error);
        return status == RpcFrameReadStatus.Frame ? Take(ref buffer, header, out frame) : None(status, out frame);
    }

    /// <summary>Reads and checks the header of the next frame of version 1; what follows it may still be missing.</summary>
    /// <param name="source">The first bytes of the frame; more may follow.</param>
    /// <param name="limits">The longest frame accepted.</param>
    /// <param name="header">The header, with <see cref="RpcFrameReadStatus.Frame"/>.</param>
    /// <param name="error">What is wrong, with <see cref="RpcFrameReadStatus.Error"/>.</param>
    /// <returns><see cref="RpcFrameReadStatus.Frame"/> if the header is there and good.</returns>
    public static RpcFrameReadStatus TryReadHeader(
        ReadOnlySpan<byte> source,
        RpcFrameLimits limits,
        out RpcFrameHeader header,
        out RpcFrameError error)
    {
        ArgumentNullException.ThrowIfNull(limits);
        return RpcFrameHeader.TryParse(source, out header)
            ? Judge(header, CheckVersion1(header, limits), out error)
            : NoHeader(source, out error);
    }

    private static RpcFrameErrorKind CheckVersion1(in RpcFrameHeader header, RpcFrameLimits limits) =>
        header.Version != RpcFrameHeader.Version1 ? RpcFrameErrorKind.UnsupportedVersion
        : header.Type is not (RpcFrameType.Request or RpcFrameType.Response) ? RpcFrameErrorKind.UnknownType
        : CheckLengths(header, limits);

    private static RpcFrameErrorKind CheckLengths(in RpcFrameHeader header, RpcFrameLimits limits) =>
        header.ProtocolDataLength > (uint)limits.MaxProtocolDataLength ? RpcFrameErrorKind.ProtocolDataTooLong
        : header.BodyLength > (uint)limits.MaxBodyLength ? RpcFrameErrorKind.BodyTooLong
        : RpcFrameErrorKind.None;

    private static RpcFrameReadStatus TryReadScatteredHeader(
        in ReadOnlySequence<byte> buffer,
        RpcFrameLimits limits,
        out RpcFrameHeader header,
        out RpcFrameError error)
    {
        Span<byte> gathered = stackalloc byte[RpcFrameHeader.Size];
        return TryReadHeader(Gather(buffer, gathered), limits, out header, out error);
    }

    private static ReadOnlySpan<byte> Gather(in ReadOnlySequence<byte> buffer, Span<byte> gathered)
    {
        int available = (int)Math.Min(buffer.Length, RpcFrameHeader.Size);
        buffer.Slice(0, available).CopyTo(gathered);
        return gathered[..available];
    }

    private static RpcFrameReadStatus Judge(in RpcFrameHeader header, RpcFrameErrorKind kind, out RpcFrameError error)
    {
        if (kind != RpcFrameErrorKind.None)
        {
            error = new RpcFrameError(kind, header);
            return RpcFrameReadStatus.Error;
        }

        error = default;
        return RpcFrameReadStatus.Frame;
    }

    private static RpcFrameReadStatus NoHeader(ReadOnlySpan<byte> source, out RpcFrameError error)
    {
        bool wrongMagic = (source.Length > 0 && source[0] != MagicFirst) || (source.Length > 1 && source[1] != MagicSecond);
        error = wrongMagic ? new RpcFrameError(RpcFrameErrorKind.WrongMagic, default) : default;
        return wrongMagic ? RpcFrameReadStatus.Error : RpcFrameReadStatus.NeedMore;
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
