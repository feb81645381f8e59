namespace Kestrel.Rpc.Protocol;

/// <content>The parser.</content>
public ref partial struct RpcReceivedHeader
{
    private RpcHeaderError ReadAll(scoped in RpcFrameHeader frame, ReadOnlySpan<byte> source)
    {
        if (!source.IsEmpty)
        {
            Flags = (RpcCallBits)source[0];
            source = source[1..];
        }

        if ((Flags & ~RpcFields.FlagsOf(frame.Type)) != 0)
        {
            return RpcHeaderError.UnknownFlag;
        }

        RpcHeaderError error = RpcHeaderError.None;
        if (frame.Type == RpcFrameType.Request)
        {
            error = RpcMethodReference.Read(ref source, out RpcMethodReference method);
            Method = method;
        }

        if (error == RpcHeaderError.None)
        {
            error = ReadFields(frame.Type, source);
        }

        return error == RpcHeaderError.None ? Check(frame.Type, frame.BodyLength) : error;
    }

    private RpcHeaderError ReadFields(RpcFrameType type, ReadOnlySpan<byte> source)
    {
        _fields = source;
        uint allowed = RpcFields.AllowedIn(type);
        while (!source.IsEmpty)
        {
            if (!RpcFields.TryRead(ref source, out ulong number, out bool isBytes, out ulong value, out ReadOnlySpan<byte> bytes))
            {
                return RpcHeaderError.Malformed;
            }

            if (number is 0 or > RpcFields.Last)
            {
                continue; // a field of a later time
            }

            uint bit = 1u << (int)number;
            if ((allowed & bit) == 0)
            {
                return RpcHeaderError.MisplacedField;
            }

            if (((RpcFields.OfBytes & bit) != 0) != isBytes)
            {
                return RpcHeaderError.WrongFieldKind;
            }

            if ((_present & bit & ~RpcFields.Repeated) != 0)
            {
                return RpcHeaderError.DuplicateField;
            }

            _present |= bit;
            if (!TryKeep((int)number, value, bytes))
            {
                return RpcHeaderError.OutOfRange;
            }
        }

        return RpcHeaderError.None;
    }

    // Metadata and trailers stay where they are until somebody asks.
    private bool TryKeep(int number, ulong value, ReadOnlySpan<byte> bytes)
    {
        switch (number)
        {
            case RpcFields.Timeout:
                _timeout = value;
                return true;
            case RpcFields.Encoding:
                Encoding = (RpcEncoding)value;
                return value is > 0 and <= byte.MaxValue;
            case RpcFields.AcceptedEncodings:
                AcceptedEncodings = (RpcEncodings)(value & (ulong)RpcEncodings.All);
                return true;
            case RpcFields.AttachmentLength:
                AttachmentLength = (long)value;
                return value <= long.MaxValue;
            case RpcFields.MessageLength:
                MessageLength = (long)value;
                return value is > 0 and <= long.MaxValue;
            case RpcFields.StatusCode:
                StatusCode = value <= (ulong)RpcStatusCode.Unauthenticated ? (RpcStatusCode)value : RpcStatusCode.Unknown;
                return true;
            case RpcFields.StatusMessage:
                StatusMessage = bytes;
                return true;
            case RpcFields.StatusDetails:
                StatusDetails = bytes;
                return true;
            default:
                return true;
        }
    }

    private readonly RpcHeaderError Check(RpcFrameType type, uint bodyLength)
    {
        bool hasMore = (Flags & RpcCallBits.More) != 0;
        bool isFailure = StatusCode != RpcStatusCode.Ok;
        bool isOneWay = (Flags & RpcCallBits.OneWay) != 0;
        if (((Flags & RpcCallBits.NotProcessed) != 0 && !isFailure) || (isOneWay && (Flags & (RpcCallBits.End | RpcCallBits.More)) == 0))
        {
            // What was not processed has failed; a stream that nobody answers would never end.
            return RpcHeaderError.Contradiction;
        }

        if ((Flags & RpcCallBits.NoMessage) != 0)
        {
            const RpcCallBits OfMessages = RpcCallBits.More | RpcCallBits.Compressed;
            const uint FieldsOfMessages = (1u << RpcFields.AttachmentLength) | (1u << RpcFields.MessageLength);

            // A DATA frame without a message says that the client has ended; there is no other reason for one.
            bool isPointless = type == RpcFrameType.Data && (Flags & RpcCallBits.End) == 0;
            return bodyLength != 0 || (Flags & OfMessages) != 0 || (_present & FieldsOfMessages) != 0 || isPointless
                ? RpcHeaderError.Contradiction
                : RpcHeaderError.None;
        }

        if (isFailure || (hasMore && (bodyLength == 0 || (Flags & RpcCallBits.End) != 0)))
        {
            // A failure has no message, END is for the last piece, and no piece is empty.
            return RpcHeaderError.Contradiction;
        }

        return CheckLengths(type, bodyLength, hasMore);
    }

    private readonly RpcHeaderError CheckLengths(RpcFrameType type, uint bodyLength, bool hasMore)
    {
        bool hasLength = MessageLength != 0;
        if (hasLength ? !hasMore || MessageLength <= bodyLength : hasMore && type == RpcFrameType.Request)
        {
            return RpcHeaderError.BadMessageLength;
        }

        return AttachmentLength > (hasLength ? MessageLength : bodyLength) ? RpcHeaderError.AttachmentTooLong : RpcHeaderError.None;
    }
}
