using System.Buffers;

namespace Kestrel.Rpc.Protocol;

/// <summary>Finds frames in bytes. Pure: no state, no I/O, no allocation. Safe to call from any thread.</summary>
public static class RpcFrameReader
{
    private const byte MagicFirst = RpcFrameHeader.Magic >> 8;
    private const byte MagicSecond = RpcFrameHeader.Magic & 0xFF;

    /// <summary>
    /// Reads the next frame of a buffer. Call it until it returns something else than <see cref="RpcFrameReadStatus.Frame"/>;
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
        RpcFrameHeader header;
        if (first.Length >= RpcFrameHeader.Size || buffer.IsSingleSegment)
        {
            RpcFrameReadStatus status = TryReadHeader(first, limits, out header, out error);
            if (status != RpcFrameReadStatus.Frame)
            {
                frame = default;
                return status;
            }
        }
        else
        {
            // The header lies across segments.
            Span<byte> gathered = stackalloc byte[RpcFrameHeader.Size];
            int available = (int)Math.Min(buffer.Length, RpcFrameHeader.Size);
            buffer.Slice(0, available).CopyTo(gathered);
            RpcFrameReadStatus status = TryReadHeader(gathered[..available], limits, out header, out error);
            if (status != RpcFrameReadStatus.Frame)
            {
                frame = default;
                return status;
            }
        }

        if (buffer.Length < header.FrameLength)
        {
            frame = default;
            return RpcFrameReadStatus.NeedMore;
        }

        ReadOnlySequence<byte> protocolData = buffer.Slice((long)RpcFrameHeader.Size, header.ProtocolDataLength);
        ReadOnlySequence<byte> body = buffer.Slice(RpcFrameHeader.Size + (long)header.ProtocolDataLength, header.BodyLength);
        frame = new RpcFrame(header, protocolData, body);
        buffer = buffer.Slice(body.End);
        return RpcFrameReadStatus.Frame;
    }

    /// <summary>Reads and checks the header of the next frame; what follows it may still be missing.</summary>
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
        if (!RpcFrameHeader.TryParse(source, out header))
        {
            bool wrongMagic = (source.Length > 0 && source[0] != MagicFirst) || (source.Length > 1 && source[1] != MagicSecond);
            error = wrongMagic ? new RpcFrameError(RpcFrameErrorKind.WrongMagic, default) : default;
            return wrongMagic ? RpcFrameReadStatus.Error : RpcFrameReadStatus.NeedMore;
        }

        RpcFrameErrorKind kind = Check(header, limits);
        if (kind != RpcFrameErrorKind.None)
        {
            error = new RpcFrameError(kind, header);
            return RpcFrameReadStatus.Error;
        }

        error = default;
        return RpcFrameReadStatus.Frame;
    }

    private static RpcFrameErrorKind Check(in RpcFrameHeader header, RpcFrameLimits limits)
    {
        if (header.Version != RpcFrameHeader.Version1)
        {
            return RpcFrameErrorKind.UnsupportedVersion;
        }

        if (header.Type is not (RpcFrameType.Request or RpcFrameType.Response))
        {
            return RpcFrameErrorKind.UnknownType;
        }

        if (header.ProtocolDataLength > (uint)limits.MaxProtocolDataLength)
        {
            return RpcFrameErrorKind.ProtocolDataTooLong;
        }

        return header.BodyLength > (uint)limits.MaxBodyLength ? RpcFrameErrorKind.BodyTooLong : RpcFrameErrorKind.None;
    }
}
