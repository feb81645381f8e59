using System.Buffers;

namespace Kestrel.Rpc.Protocol;

/// <summary>
/// The frame header of a REQUEST, RESPONSE, HEADERS or DATA frame (version 2) as it was received. It lies in the bytes it was read
/// from and is valid as long as they are. Reading allocates nothing.
/// </summary>
/// <remarks>
/// Layout: flags byte; REQUEST only: <see cref="RpcMethodReference"/>; then fields, each a varint key
/// (number &lt;&lt; 1 | is bytes) and a varint value, or a varint length and bytes. No bytes at all: no flags and no fields.
/// </remarks>
public ref partial struct RpcReceivedHeader
{
    private ReadOnlySpan<byte> _fields;
    private uint _present;
    private ulong _timeout;

    /// <summary>The flags.</summary>
    public RpcCallBits Flags { get; private set; }

    /// <summary>What is called. REQUEST only.</summary>
    public RpcMethodReference Method { get; private set; }

    /// <summary>How the compressed messages of this direction are encoded from now on; <see cref="RpcEncoding.None"/> if it is not said.</summary>
    public RpcEncoding Encoding { get; private set; }

    /// <summary>The encodings that the client accepts in replies. Those that this library does not know are left out.</summary>
    public RpcEncodings AcceptedEncodings { get; private set; }

    /// <summary>Bytes at the end of the message that are its attachment. On the first frame of a message.</summary>
    public long AttachmentLength { get; private set; }

    /// <summary>
    /// Bytes of the whole message, attachment included, if it is cut; 0 if this is not the first frame of a cut message. The sender's
    /// word: refuse early what is over the limit, but take memory only as bytes come.
    /// </summary>
    public long MessageLength { get; private set; }

    /// <summary>How the call went. RESPONSE. A code that this library does not know reads as <see cref="RpcStatusCode.Unknown"/>.</summary>
    public RpcStatusCode StatusCode { get; private set; }

    /// <summary>One sentence about a failure, in UTF-8. RESPONSE.</summary>
    public ReadOnlySpan<byte> StatusMessage { get; private set; }

    /// <summary>More about a failure, in a format the two sides agree on. RESPONSE.</summary>
    public ReadOnlySpan<byte> StatusDetails { get; private set; }

    /// <summary>Whether there is <see cref="StatusDetails"/>, which may be empty.</summary>
    public readonly bool HasStatusDetails => (_present & (1u << RpcFields.StatusDetails)) != 0;

    /// <summary>The time left for the call; null if it is not limited. REQUEST. Zero: it is over already. Bounded by <see cref="TimeSpan.MaxValue"/>.</summary>
    public readonly TimeSpan? Timeout =>
        (_present & (1u << RpcFields.Timeout)) == 0 ? null
        : _timeout > (ulong)(TimeSpan.MaxValue.Ticks / TimeSpan.TicksPerMillisecond) ? TimeSpan.MaxValue
        : new TimeSpan((long)_timeout * TimeSpan.TicksPerMillisecond);

    /// <summary>Whether there is metadata, which <see cref="ReadMetadata"/> reads.</summary>
    public readonly bool HasMetadata => (_present & (1u << RpcFields.Metadata)) != 0;

    /// <summary>Whether there are trailers, which <see cref="ReadTrailers"/> reads. RESPONSE.</summary>
    public readonly bool HasTrailers => (_present & (1u << RpcFields.Trailer)) != 0;

    /// <summary>Reads a header.</summary>
    /// <param name="frame">The header of the frame, as <see cref="RpcFrameReader"/> accepted it: one of the four types, version 2.</param>
    /// <param name="source">The frame header: all its bytes, in one piece (<see cref="RpcHeaderBytes"/>).</param>
    /// <param name="header">What it says.</param>
    /// <returns>Why it was refused, or <see cref="RpcHeaderError.None"/>. Never throws, whatever the bytes are.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The frame is not of one of the four types.</exception>
    public static RpcHeaderError Read(scoped in RpcFrameHeader frame, ReadOnlySpan<byte> source, out RpcReceivedHeader header)
    {
        header = default;

        // The two headers that nearly all calls have: nothing, or END and the index of a method below 64.
        if (source.IsEmpty && frame.Type is RpcFrameType.Response or RpcFrameType.Data)
        {
            return RpcHeaderError.None;
        }

        if (frame.Type == RpcFrameType.Request && TryReadShortRequest(source, out int index))
        {
            header.Flags = RpcCallBits.End;
            header.Method = new RpcMethodReference(index);
            return RpcHeaderError.None;
        }

        return header.ReadAll(frame, source);
    }

    /// <summary>
    /// Reads the header that nearly all REQUEST frames have, without making a <see cref="RpcReceivedHeader"/>: END and the index of a method
    /// below 64, and nothing else.
    /// </summary>
    /// <param name="source">The frame header of a REQUEST.</param>
    /// <param name="index">The index, 1 to 63, which may be undefined.</param>
    /// <returns>False if it is any other header, good or bad, or lies in more than one segment: then <see cref="Read"/> says what it is.</returns>
    internal static bool TryReadShortRequest(in ReadOnlySequence<byte> source, out int index)
    {
        index = 0;
        return source.IsSingleSegment && TryReadShortRequest(source.FirstSpan, out index);
    }

    /// <summary>Reads the metadata.</summary>
    /// <param name="limits">How much is accepted.</param>
    /// <param name="metadata">The metadata; <see cref="RpcMetadata.Empty"/> if there is none.</param>
    /// <returns>Why it was refused: an error of the call alone, the connection goes on.</returns>
    public readonly RpcMetadataError ReadMetadata(RpcMetadataLimits limits, out RpcMetadata metadata) =>
        RpcMetadataCodec.Read(_fields, RpcFields.Metadata, HasMetadata, limits, out metadata);

    /// <summary>Reads the trailers.</summary>
    /// <param name="limits">How much is accepted.</param>
    /// <param name="trailers">The trailers; <see cref="RpcMetadata.Empty"/> if there are none.</param>
    /// <returns>Why they were refused: an error of the call alone, the connection goes on.</returns>
    public readonly RpcMetadataError ReadTrailers(RpcMetadataLimits limits, out RpcMetadata trailers) =>
        RpcMetadataCodec.Read(_fields, RpcFields.Trailer, HasTrailers, limits, out trailers);

    private static bool TryReadShortRequest(ReadOnlySpan<byte> source, out int index)
    {
        // A varint below 128, even (it defines nothing), not 0.
        if (source.Length == 2 && source[0] == (byte)RpcCallBits.End && (source[1] & 0x81) == 0 && source[1] != 0)
        {
            index = source[1] >> 1;
            return true;
        }

        index = 0;
        return false;
    }

    /// <summary>The status of a RESPONSE, copied. Allocates unless it is OK.</summary>
    /// <returns>The status.</returns>
    public readonly RpcStatus ToStatus() => StatusCode == RpcStatusCode.Ok && StatusMessage.IsEmpty && !HasStatusDetails
        ? RpcStatus.Ok
        : new RpcStatus(StatusCode, System.Text.Encoding.UTF8.GetString(StatusMessage), StatusDetails.ToArray());
}
