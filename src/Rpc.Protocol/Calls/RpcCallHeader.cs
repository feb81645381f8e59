namespace Kestrel.Rpc.Protocol;

/// <summary>
/// The frame header of a REQUEST, RESPONSE, HEADERS or DATA frame (version 2) that is to be sent. <c>default</c> says nothing, which takes no
/// bytes. What a frame type cannot have must not be set: its receiver would end the connection, and Debug builds assert it.
/// </summary>
public readonly struct RpcCallHeader
{
    /// <summary>The longest status message sent, in UTF-16 units; a longer one is cut, as in version 1.</summary>
    public const int MaxStatusMessageLength = RpcErrorReply.MaxMessageLength;

    // Flags, and the key and value of six fields with numbers.
    private const int MaxFixedLength = 1 + (6 * (1 + RpcVarint.MaxLength));
    private const int MaxBytesPerUnit = 3; // of UTF-8 for a UTF-16 unit

    /// <summary>The flags.</summary>
    public RpcCallBits Flags { get; init; }

    /// <summary>The time left for the call; null does not limit it. Sent in whole milliseconds, rounded up; negative as zero. REQUEST.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Metadata of the request, or of the reply. REQUEST; HEADERS, or RESPONSE if there was no HEADERS.</summary>
    public RpcMetadata? Metadata { get; init; }

    /// <summary>Metadata behind the reply. RESPONSE.</summary>
    public RpcMetadata? Trailers { get; init; }

    /// <summary>How compressed messages of this direction are encoded from now on.</summary>
    public RpcEncoding Encoding { get; init; }

    /// <summary>The encodings accepted in the reply. REQUEST.</summary>
    public RpcEncodings AcceptedEncodings { get; init; }

    /// <summary>Bytes at the end of the message that are its attachment. On the first frame of a message.</summary>
    public long AttachmentLength { get; init; }

    /// <summary>Bytes of the whole message, attachment included. On the first frame of a message that is cut, and only there.</summary>
    public long MessageLength { get; init; }

    /// <summary>How the call went; null is OK. RESPONSE.</summary>
    public RpcStatus? Status { get; init; }

    private bool HasFields =>
        Timeout is not null || Metadata is { Count: > 0 } || Trailers is { Count: > 0 } || Encoding != RpcEncoding.None
        || AcceptedEncodings != RpcEncodings.None || AttachmentLength != 0 || MessageLength != 0
        || Status is { Code: not RpcStatusCode.Ok };

    /// <summary>Bytes that it takes at most, the method not counted.</summary>
    internal int MaxLength => !HasFields ? 1 : checked(
        MaxFixedLength
        + RpcMetadataCodec.LengthOf(Metadata, RpcFields.Metadata)
        + RpcMetadataCodec.LengthOf(Trailers, RpcFields.Trailer)
        + (Status is null ? 0 : (3 * RpcVarint.MaxLength) + (MaxBytesPerUnit * Math.Min(Status.Message.Length, MaxStatusMessageLength)) + Status.Details.Length));

    /// <summary>Writes the header.</summary>
    /// <returns>Bytes written: 0 if there is nothing to say.</returns>
    internal int Write(Span<byte> destination, in RpcMethodReference method)
    {
        bool hasMethod = method.Index != 0 || method.IsNamed;
        bool hasFields = HasFields;
        if (Flags == RpcCallBits.None && !hasMethod && !hasFields)
        {
            return 0;
        }

        destination[0] = (byte)Flags;
        int length = 1;
        if (hasMethod)
        {
            length += method.Write(destination[length..]);
        }

        return hasFields ? length + WriteFields(destination[length..]) : length;
    }

    /// <summary>A message that is to be sent, cut at <see cref="MaxStatusMessageLength"/>, never between the halves of a surrogate pair.</summary>
    internal static ReadOnlySpan<char> Cut(string message)
    {
        if (message.Length <= MaxStatusMessageLength)
        {
            return message;
        }

        return message.AsSpan(0, char.IsHighSurrogate(message[MaxStatusMessageLength - 1]) ? MaxStatusMessageLength - 1 : MaxStatusMessageLength);
    }

    private int WriteFields(Span<byte> destination)
    {
        int length = 0;
        if (Timeout is { } timeout)
        {
            (long whole, long rest) = Math.DivRem(Math.Max(0, timeout.Ticks), TimeSpan.TicksPerMillisecond);
            length += RpcFields.Write(destination, RpcFields.Timeout, (ulong)whole + (rest > 0 ? 1u : 0u));
        }

        length += RpcMetadataCodec.Write(destination[length..], Metadata, RpcFields.Metadata);
        length += RpcMetadataCodec.Write(destination[length..], Trailers, RpcFields.Trailer);
        length += WriteUnlessZero(destination[length..], RpcFields.Encoding, (ulong)Encoding);
        length += WriteUnlessZero(destination[length..], RpcFields.AcceptedEncodings, (ulong)AcceptedEncodings);
        length += WriteUnlessZero(destination[length..], RpcFields.AttachmentLength, (ulong)AttachmentLength);
        length += WriteUnlessZero(destination[length..], RpcFields.MessageLength, (ulong)MessageLength);
        return Status is { Code: not RpcStatusCode.Ok } ? length + WriteStatus(destination[length..], Status) : length;
    }

    private static int WriteUnlessZero(Span<byte> destination, int number, ulong value) =>
        value == 0 ? 0 : RpcFields.Write(destination, number, value);

    private static int WriteStatus(Span<byte> destination, RpcStatus status)
    {
        int length = RpcFields.Write(destination, RpcFields.StatusCode, (ulong)status.Code);
        ReadOnlySpan<char> message = Cut(status.Message);
        if (!message.IsEmpty)
        {
            // Half of a surrogate pair becomes a replacement character: a message is for people.
            length += RpcFields.WriteBytesKey(destination[length..], RpcFields.StatusMessage, System.Text.Encoding.UTF8.GetByteCount(message));
            length += System.Text.Encoding.UTF8.GetBytes(message, destination[length..]);
        }

        if (!status.Details.IsEmpty)
        {
            length += RpcFields.WriteBytesKey(destination[length..], RpcFields.StatusDetails, status.Details.Length);
            status.Details.Span.CopyTo(destination[length..]);
            length += status.Details.Length;
        }

        return length;
    }
}
