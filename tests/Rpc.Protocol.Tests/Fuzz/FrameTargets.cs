using System.Buffers;

namespace Kestrel.Rpc.Protocol.Tests.Fuzz;

/// <summary>The frame reader, version 1 and 2, on bytes that may hold several frames.</summary>
/// <param name="rules">What the reader is told.</param>
/// <param name="judged">What its frames are judged by: the same, unless a test wants to see the difference found.</param>
internal sealed class FrameTarget(RpcFrameRules rules, RpcFrameRules? judged = null) : FuzzTarget
{
    private readonly RpcFrameRules _judged = judged ?? rules;

    // Some are longer than the limits, as no mutation makes a frame longer.
    public override IReadOnlyList<byte[]> Corpus { get; } =
    [
        Golden.Request,
        Golden.Reply,
        Golden.ReplyOfTheOriginal,
        [.. Golden.Header(1, 1, 1, 300, 600), .. new byte[900]],
        [.. Golden.Header(2, 2, 1, 300, 600), .. new byte[900]],
        .. Version2DocumentTests.Written.Values.Select(write => write()),
    ];

    public override long Budget(long inputLength) => 0;

    public override void Parse(in ReadOnlySequence<byte> input)
    {
        ReadOnlySequence<byte> buffer = input;
        while (true)
        {
            long before = buffer.Length;
            RpcFrameReadStatus status = rules.Version2 is null
                ? RpcFrameReader.TryRead(ref buffer, rules.Version1!, out RpcFrame frame, out RpcFrameError error)
                : RpcFrameReader.TryRead(ref buffer, rules, out frame, out error);
            Require((status == RpcFrameReadStatus.Error) == (error.Kind != RpcFrameErrorKind.None), "An error and its kind go together.");
            if (status != RpcFrameReadStatus.Frame)
            {
                Require(buffer.Length == before, "Bytes were consumed without a frame.");
                return;
            }

            Require(buffer.Length == before - frame.Header.FrameLength, "Not the frame's bytes were consumed.");
            Require(frame.ProtocolData.Length == frame.Header.ProtocolDataLength && frame.Body.Length == frame.Header.BodyLength, "The parts are not as long as the header says.");
            Judge(frame.Header);
        }
    }

    private void Judge(in RpcFrameHeader header)
    {
        RpcFrameLimits? limits = header.Version == 1 ? _judged.Version1 : header.Version == 2 ? _judged.Version2 : null;
        Require(limits is not null, "A version that is refused was accepted.");
        Require(header.ProtocolDataLength <= (uint)limits!.MaxProtocolDataLength, "The frame header is over the limit.");
        Require(header.BodyLength <= (uint)limits.MaxBodyLength, "The body is over the limit.");
        Require(header.Type >= RpcFrameType.Request && header.Type <= (header.Version == 1 ? RpcFrameType.Response : RpcFrameType.Settings), "A type that does not exist was accepted.");
        Require(header.Version == 1 || header.Type == RpcFrameType.Credit || (header.SequenceId == 0) == (header.Type > RpcFrameType.Cancel), "The call id does not fit.");
    }
}

/// <summary>The readers of version-2 frame headers: the first input byte chooses the type, the second the length of the body.</summary>
internal sealed class HeaderTarget : FuzzTarget
{
    // Two names are about as long as names may be, as no mutation makes one longer.
    public override IReadOnlyList<byte[]> Corpus { get; } =
    [
        [0x00, 0x05, 0x01, 0x03, 0x80, 0x04, .. new byte[512]],
        [0x00, 0x05, 0x01, 0x03, 0x80, 0x06, .. new byte[768]],
        .. Version2DocumentTests.Written.Values.Select(write => write()).Select(frame =>
        {
            RpcFrameHeader.TryParse(frame, out RpcFrameHeader header);
            return (byte[])[(byte)(header.Type - 1), (byte)header.BodyLength, .. frame.AsSpan(RpcFrameHeader.Size, (int)header.ProtocolDataLength)];
        }),
    ];

    // A refused SETTINGS allocates nothing, a good one itself; many segments are gathered in a pooled array.
    public override long Budget(long inputLength) => 16 * 1024;

    public override void Parse(in ReadOnlySequence<byte> input)
    {
        if (input.Length < 2)
        {
            return;
        }

        using RpcHeaderBytes bytes = new(input);
        RpcFrameType type = (RpcFrameType)((bytes.Span[0] % 10) + 1);
        uint body = bytes.Span[1];
        ReadOnlySpan<byte> source = bytes.Span[2..];
        switch (type)
        {
            case RpcFrameType.Credit:
                Require(RpcControlFrame.ReadCredit(source, out int credit) != RpcHeaderError.None || credit > 0, "A credit of nothing or less.");
                break;
            case RpcFrameType.Cancel:
                RpcControlFrame.ReadCancel(source, out RpcStatusCode code);
                Require(code is >= RpcStatusCode.Ok and <= RpcStatusCode.Unauthenticated, "A code that does not exist.");
                break;
            case RpcFrameType.GoAway:
                RpcControlFrame.ReadGoAway(source, out RpcGoAwayCode why, out ReadOnlySpan<byte> message);
                Require(why is >= RpcGoAwayCode.Shutdown and <= RpcGoAwayCode.EnhanceYourCalm && message.Length <= source.Length, "A code that does not exist.");
                break;
            case RpcFrameType.Settings:
                RpcSettings.Read(source, out RpcSettings settings);
                Require(settings.InitialCallCredit >= RpcSettings.DefaultCallCredit && settings.MethodTableSize <= RpcMethodReference.MaxIndex, "Settings out of range.");
                break;
            case RpcFrameType.Ping or RpcFrameType.Pong:
                break;
            default:
                ParseCall(new RpcFrameHeader(2, type, 1, (uint)source.Length, body), source);
                break;
        }
    }

    private static void ParseCall(in RpcFrameHeader frame, ReadOnlySpan<byte> source)
    {
        if (RpcReceivedHeader.Read(frame, source, out RpcReceivedHeader header) != RpcHeaderError.None)
        {
            return;
        }

        bool isCut = header.MessageLength != 0;
        Require((header.Flags & ~RpcFields.FlagsOf(frame.Type)) == 0, "A flag that the type does not have.");
        Require((header.Flags & RpcCallBits.NoMessage) == 0 || frame.BodyLength == 0, "No message, and a body.");
        Require(!isCut || ((header.Flags & RpcCallBits.More) != 0 && header.MessageLength > frame.BodyLength), "A wrong message length.");
        Require(header.AttachmentLength >= 0 && header.AttachmentLength <= (isCut ? header.MessageLength : frame.BodyLength), "An attachment longer than its message.");
        Require(header.Method.Index is >= 0 and <= RpcMethodReference.MaxIndex && header.Method.Name.Length <= RpcMethodReference.MaxNameLength, "A method out of range.");
        Require(header.Method.Name.IsEmpty || header.Method.Name.Overlaps(source), "The name lies outside the header.");
        Require(header.StatusMessage.Length + header.StatusDetails.Length <= source.Length, "The status lies outside the header.");
        Require(header.Timeout is null || header.Timeout >= TimeSpan.Zero, "A time that is less than nothing.");
        if (header.StatusMessage.Length < 100)
        {
            header.ToStatus();
        }
    }
}
