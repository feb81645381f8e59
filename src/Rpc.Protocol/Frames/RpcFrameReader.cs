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
        ArgumentNullException.ThrowIfNull(limits);
        return TryRead(ref buffer, limits.Version1Only, out frame, out error);
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
        return TryReadHeader(source, limits.Version1Only, out header, out error);
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
}
