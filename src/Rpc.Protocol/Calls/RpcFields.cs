namespace Kestrel.Rpc.Protocol;

/// <summary>
/// The fields of call frames. One number means one thing in every frame; docs/wire-protocol.md has the table. On the wire each is
/// a varint key (number &lt;&lt; 1 | is bytes) and a varint value, or a varint length and bytes.
/// </summary>
internal static class RpcFields
{
    public const int Timeout = 1;
    public const int Metadata = 2;
    public const int Trailer = 3;
    public const int Encoding = 4;
    public const int AcceptedEncodings = 5;
    public const int AttachmentLength = 6;
    public const int MessageLength = 7;
    public const int StatusCode = 8;
    public const int StatusMessage = 9;
    public const int StatusDetails = 10;

    public const int Last = StatusDetails;

    /// <summary>A bit for each field whose value is bytes.</summary>
    public const uint OfBytes = (1u << Metadata) | (1u << Trailer) | (1u << StatusMessage) | (1u << StatusDetails);

    /// <summary>A bit for each field that may stand more than once.</summary>
    public const uint Repeated = (1u << Metadata) | (1u << Trailer);

    private const uint OfData = (1u << Encoding) | (1u << AttachmentLength) | (1u << MessageLength);
    private const uint OfRequest = OfData | (1u << Timeout) | (1u << Metadata) | (1u << AcceptedEncodings);
    private const uint OfHeaders = (1u << Metadata) | (1u << Encoding);
    private const uint OfResponse =
        (1u << Metadata) | (1u << Trailer) | (1u << Encoding) | (1u << AttachmentLength)
        | (1u << StatusCode) | (1u << StatusMessage) | (1u << StatusDetails);

    /// <summary>A bit for each field that a frame of a type may have.</summary>
    public static uint AllowedIn(RpcFrameType type) => type switch
    {
        RpcFrameType.Request => OfRequest,
        RpcFrameType.Response => OfResponse,
        RpcFrameType.Headers => OfHeaders,
        RpcFrameType.Data => OfData,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Only frames of calls have fields."),
    };

    /// <summary>The flags that a frame of a type may have.</summary>
    public static RpcCallBits FlagsOf(RpcFrameType type) => type switch
    {
        RpcFrameType.Request =>
            RpcCallBits.End | RpcCallBits.More | RpcCallBits.Compressed | RpcCallBits.NoMessage | RpcCallBits.OneWay,
        RpcFrameType.Response => RpcCallBits.Compressed | RpcCallBits.NoMessage | RpcCallBits.NotProcessed,
        RpcFrameType.Headers => RpcCallBits.None,
        RpcFrameType.Data => RpcCallBits.End | RpcCallBits.More | RpcCallBits.Compressed | RpcCallBits.NoMessage,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Only frames of calls have flags."),
    };

    /// <summary>Takes a field off the front: its number, and its value or its bytes. False if the bytes end inside it.</summary>
    public static bool TryRead(scoped ref ReadOnlySpan<byte> source, out ulong number, out bool isBytes, out ulong value, out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        if (!RpcVarint.TryRead(ref source, out ulong key) || !RpcVarint.TryRead(ref source, out value))
        {
            (number, isBytes, value) = (0, false, 0);
            return false;
        }

        number = key >> 1;
        isBytes = (key & 1) != 0;
        if (isBytes)
        {
            if (value > (ulong)source.Length)
            {
                return false;
            }

            bytes = source[..(int)value];
            source = source[(int)value..];
        }

        return true;
    }

    /// <summary>Writes a field with a number.</summary>
    /// <returns>Bytes written.</returns>
    public static int Write(Span<byte> destination, int number, ulong value)
    {
        int length = RpcVarint.Write(destination, (uint)number << 1);
        return length + RpcVarint.Write(destination[length..], value);
    }

    /// <summary>Writes the key and the length of a field of bytes.</summary>
    /// <returns>Bytes written; the bytes belong behind them.</returns>
    public static int WriteBytesKey(Span<byte> destination, int number, int bytes)
    {
        int length = RpcVarint.Write(destination, ((uint)number << 1) | 1);
        return length + RpcVarint.Write(destination[length..], (uint)bytes);
    }

    /// <summary>Bytes of a field with a number.</summary>
    public static int LengthOf(int number, ulong value) => RpcVarint.LengthOf((uint)number << 1) + RpcVarint.LengthOf(value);

    /// <summary>Bytes of a field of bytes.</summary>
    public static int LengthOfBytes(int number, int bytes) => LengthOf(number, (uint)bytes) + bytes;

}
