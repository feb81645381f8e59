using System.Buffers;
using System.Buffers.Binary;

namespace Kestrel.Rpc.Protocol;

/// <summary>
/// The frames of version 2 that carry no message: CREDIT, CANCEL, PING, PONG, GOAWAY; SETTINGS is <see cref="RpcSettings"/>. Stateless,
/// allocates nothing but what it returns; safe to call from any thread. The readers take the frame header of a frame that
/// <see cref="RpcFrameReader"/> has accepted, and never throw, whatever the bytes are.
/// </summary>
public static class RpcControlFrame
{
    /// <summary>Bytes in the body of a PING and a PONG.</summary>
    public const int PingLength = 8;

    /// <summary>The most that a CREDIT frame may grant: 2^31 - 1 bytes.</summary>
    public const int MaxCredit = int.MaxValue;

    /// <summary>The longest message of a GOAWAY that is sent, in UTF-16 units; a longer one is cut.</summary>
    public const int MaxGoAwayMessageLength = RpcErrorReply.MaxMessageLength;

    /// <summary>Writes a CREDIT. Its header: varint bytes.</summary>
    /// <param name="output">Where it goes. Not flushed.</param>
    /// <param name="callId">The call, or 0 for the connection.</param>
    /// <param name="bytes">Bytes that the peer may send beyond what it may already; positive.</param>
    /// <returns>Bytes written.</returns>
    public static int WriteCredit(IBufferWriter<byte> output, uint callId, int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        return WriteNumber(output, RpcFrameType.Credit, callId, (uint)bytes);
    }

    /// <summary>Reads a CREDIT.</summary>
    /// <param name="header">The frame header.</param>
    /// <param name="bytes">Bytes granted, positive.</param>
    /// <returns>Why it was refused, or none.</returns>
    public static RpcHeaderError ReadCredit(ReadOnlySpan<byte> header, out int bytes)
    {
        RpcHeaderError error = ReadNumber(header, out ulong value);
        if (error == RpcHeaderError.None && value is 0 or > MaxCredit)
        {
            error = RpcHeaderError.OutOfRange;
        }

        bytes = error == RpcHeaderError.None ? (int)value : 0;
        return error;
    }

    /// <summary>Writes a CANCEL. Its header: nothing, which is <see cref="RpcStatusCode.Cancelled"/>, or varint status code.</summary>
    /// <param name="output">Where it goes. Not flushed.</param>
    /// <param name="callId">The call, not 0.</param>
    /// <param name="code">Why: mostly <see cref="RpcStatusCode.Cancelled"/> or <see cref="RpcStatusCode.DeadlineExceeded"/>.</param>
    /// <returns>Bytes written.</returns>
    public static int WriteCancel(IBufferWriter<byte> output, uint callId, RpcStatusCode code = RpcStatusCode.Cancelled)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentOutOfRangeException.ThrowIfZero(callId);
        if (code != RpcStatusCode.Cancelled)
        {
            return WriteNumber(output, RpcFrameType.Cancel, callId, (ulong)code);
        }

        new RpcFrameHeader(RpcFrameHeader.Version2, RpcFrameType.Cancel, callId, 0, 0).Write(output.GetSpan(RpcFrameHeader.Size));
        output.Advance(RpcFrameHeader.Size);
        return RpcFrameHeader.Size;
    }

    /// <summary>Reads a CANCEL.</summary>
    /// <param name="header">The frame header.</param>
    /// <param name="code">Why; a code that this library does not know reads as <see cref="RpcStatusCode.Unknown"/>.</param>
    /// <returns>Why it was refused, or none.</returns>
    public static RpcHeaderError ReadCancel(ReadOnlySpan<byte> header, out RpcStatusCode code)
    {
        code = RpcStatusCode.Cancelled;
        if (header.IsEmpty)
        {
            return RpcHeaderError.None;
        }

        RpcHeaderError error = ReadNumber(header, out ulong value);
        if (error == RpcHeaderError.None)
        {
            code = value <= (ulong)RpcStatusCode.Unauthenticated ? (RpcStatusCode)value : RpcStatusCode.Unknown;
        }

        return error;
    }

    /// <summary>Writes a PING. Its body: eight bytes of the sender's choice.</summary>
    /// <param name="output">Where it goes. Not flushed.</param>
    /// <param name="opaque">The eight bytes, as a big-endian number.</param>
    /// <returns>Bytes written.</returns>
    public static int WritePing(IBufferWriter<byte> output, ulong opaque) => WriteEight(output, RpcFrameType.Ping, opaque);

    /// <summary>Writes a PONG. Its body: that of the PING.</summary>
    /// <param name="output">Where it goes. Not flushed.</param>
    /// <param name="opaque">The eight bytes of the PING, as a big-endian number.</param>
    /// <returns>Bytes written.</returns>
    public static int WritePong(IBufferWriter<byte> output, ulong opaque) => WriteEight(output, RpcFrameType.Pong, opaque);

    /// <summary>Reads the body of a PING or a PONG.</summary>
    /// <param name="body">The body: <see cref="PingLength"/> bytes, as <see cref="RpcFrameReader"/> has seen to.</param>
    /// <returns>The eight bytes as a big-endian number.</returns>
    /// <exception cref="ArgumentException">It does not have eight bytes.</exception>
    public static ulong ReadPing(in ReadOnlySequence<byte> body)
    {
        if (body.Length != PingLength)
        {
            throw new ArgumentException($"A PING has {PingLength} bytes.", nameof(body));
        }

        Span<byte> opaque = stackalloc byte[PingLength];
        body.CopyTo(opaque);
        return BinaryPrimitives.ReadUInt64BigEndian(opaque);
    }

    /// <summary>Writes a GOAWAY. Its header: varint code, then the message in UTF-8 up to the end.</summary>
    /// <param name="output">Where it goes. Not flushed.</param>
    /// <param name="code">Why.</param>
    /// <param name="message">One sentence for a log; cut at <see cref="MaxGoAwayMessageLength"/>.</param>
    /// <returns>Bytes written.</returns>
    public static int WriteGoAway(IBufferWriter<byte> output, RpcGoAwayCode code, string message)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(message);
        ReadOnlySpan<char> cut = RpcCallHeader.Cut(message);
        Span<byte> span = output.GetSpan(RpcFrameHeader.Size + RpcVarint.MaxLength + System.Text.Encoding.UTF8.GetMaxByteCount(cut.Length));
        int length = RpcVarint.Write(span[RpcFrameHeader.Size..], (ulong)code);
        length += System.Text.Encoding.UTF8.GetBytes(cut, span[(RpcFrameHeader.Size + length)..]);
        new RpcFrameHeader(RpcFrameHeader.Version2, RpcFrameType.GoAway, 0, (uint)length, 0).Write(span);
        output.Advance(RpcFrameHeader.Size + length);
        return RpcFrameHeader.Size + length;
    }

    /// <summary>Reads a GOAWAY.</summary>
    /// <param name="header">The frame header.</param>
    /// <param name="code">Why.</param>
    /// <param name="message">One sentence in UTF-8, as long as the sender liked within the limit of frame headers. Not checked: it is for a log.</param>
    /// <returns>Why it was refused, or none.</returns>
    public static RpcHeaderError ReadGoAway(ReadOnlySpan<byte> header, out RpcGoAwayCode code, out ReadOnlySpan<byte> message)
    {
        if (!RpcVarint.TryRead(ref header, out ulong value))
        {
            code = RpcGoAwayCode.InternalError;
            message = default;
            return RpcHeaderError.Malformed;
        }

        code = value <= (ulong)RpcGoAwayCode.EnhanceYourCalm ? (RpcGoAwayCode)value : RpcGoAwayCode.InternalError;
        message = header;
        return RpcHeaderError.None;
    }

    private static int WriteNumber(IBufferWriter<byte> output, RpcFrameType type, uint callId, ulong value)
    {
        ArgumentNullException.ThrowIfNull(output);
        Span<byte> span = output.GetSpan(RpcFrameHeader.Size + RpcVarint.MaxLength);
        int length = RpcVarint.Write(span[RpcFrameHeader.Size..], value);
        new RpcFrameHeader(RpcFrameHeader.Version2, type, callId, (uint)length, 0).Write(span);
        output.Advance(RpcFrameHeader.Size + length);
        return RpcFrameHeader.Size + length;
    }

    private static int WriteEight(IBufferWriter<byte> output, RpcFrameType type, ulong opaque)
    {
        ArgumentNullException.ThrowIfNull(output);
        Span<byte> span = output.GetSpan(RpcFrameHeader.Size + PingLength);
        new RpcFrameHeader(RpcFrameHeader.Version2, type, 0, 0, PingLength).Write(span);
        BinaryPrimitives.WriteUInt64BigEndian(span[RpcFrameHeader.Size..], opaque);
        output.Advance(RpcFrameHeader.Size + PingLength);
        return RpcFrameHeader.Size + PingLength;
    }

    private static RpcHeaderError ReadNumber(ReadOnlySpan<byte> header, out ulong value) =>
        !RpcVarint.TryRead(ref header, out value) ? RpcHeaderError.Malformed
        : !header.IsEmpty ? RpcHeaderError.TrailingBytes
        : RpcHeaderError.None;
}
