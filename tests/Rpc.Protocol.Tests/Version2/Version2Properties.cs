using System.Buffers;
using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Kestrel.Rpc.Protocol.Tests;

/// <summary>Whatever is written, of every frame type, is read back the same, however it is cut.</summary>
public class Version2Properties
{
    private static readonly Config Many = Config.QuickThrowOnFailure.WithMaxTest(1_000).WithEndSize(100);

    private static readonly Gen<int[]> Cuts = Gen.Choose(0, 20).ArrayOf();
    private static readonly Gen<uint> CallIds = ArbMap.Default.GeneratorFor<uint>().Select(id => Math.Max(1, id));
    private static readonly Gen<byte[]> Bodies = ArbMap.Default.GeneratorFor<byte[]>();
    private static readonly Gen<string> Texts = ArbMap.Default.GeneratorFor<NonNull<string>>().Select(text => Clean(text.Get));

    private static readonly Gen<RpcMetadata> Metadata =
        Gen.OneOf(
            from key in Gen.Elements("a", "Trace-Id", "x.y_z", "0")
            from value in Texts
            select new RpcMetadataEntry(key, value),
            from key in Gen.Elements("a-bin", "-BIN", "token-bin")
            from value in Bodies
            select new RpcMetadataEntry(key, value))
        .ListOf().Select(Make);

    [Fact]
    public void AnyRequest_WrittenAndRead_IsTheSame()
    {
        var cases =
            from callId in CallIds
            from index in Gen.Choose(0, RpcMethodReference.MaxIndex)
            from name in Gen.Elements("", "a/b", "helloworld/Hello", $"S/{new string('m', 510)}")
            from flags in Gen.Elements(RpcCallBits.None, RpcCallBits.End, RpcCallBits.End | RpcCallBits.OneWay, RpcCallBits.More)
            from isCompressed in ArbMap.Default.GeneratorFor<bool>()
            from timeout in Gen.Elements<long?>(null, 0, 1, 127, 128, 86_400_000, 922_337_203_685_477)
            from metadata in Metadata
            from encoding in Gen.Elements(RpcEncoding.None, RpcEncoding.Gzip, RpcEncoding.Brotli, RpcEncoding.Snappy)
            from accepted in Gen.Choose(0, 7)
            from body in Bodies
            from beyond in Gen.Choose(1, int.MaxValue)
            from share in Gen.Choose(0, 100)
            from cuts in Cuts
            select (callId, index, name, flags, isCompressed, timeout, metadata, encoding, accepted, body, beyond, share, cuts);
        Prop.ForAll(cases.ToArbitrary(), input =>
        {
            bool isCut = input.flags == RpcCallBits.More && input.body.Length > 0;
            RpcCallBits flags = (isCut || input.flags != RpcCallBits.More ? input.flags : RpcCallBits.End) | (input.isCompressed ? RpcCallBits.Compressed : 0);
            RpcCallHeader header = new()
            {
                Flags = flags,
                Timeout = input.timeout is { } milliseconds ? TimeSpan.FromTicks(milliseconds * TimeSpan.TicksPerMillisecond) : null,
                Metadata = input.metadata,
                Encoding = input.encoding,
                AcceptedEncodings = (RpcEncodings)(input.accepted << 1),
                MessageLength = isCut ? (long)input.body.Length + input.beyond : 0,
                AttachmentLength = input.body.Length * input.share / 100,
            };
            int index = input.name.Length == 0 ? Math.Max(1, input.index) : input.index;
            RpcMethodReference method = input.name.Length == 0 ? new(index) : new(index, Encoding.UTF8.GetBytes(input.name));
            RpcFrame frame = Frames.Read(Segments.Cut(Frames.WriteCall(RpcFrameType.Request, input.callId, method, header, input.body), input.cuts));
            using RpcHeaderBytes bytes = new(frame.ProtocolData);
            return RpcReceivedHeader.Read(frame.Header, bytes.Span, out RpcReceivedHeader read) == RpcHeaderError.None
                && frame.Header.Type == RpcFrameType.Request && frame.Header.SequenceId == input.callId
                && frame.Body.ToArray().AsSpan().SequenceEqual(input.body)
                && read.Flags == flags && read.Timeout == header.Timeout && read.Encoding == header.Encoding
                && read.AcceptedEncodings == header.AcceptedEncodings
                && read.MessageLength == header.MessageLength && read.AttachmentLength == header.AttachmentLength
                && read.Method.Index == index && Encoding.UTF8.GetString(read.Method.Name) == input.name
                && read.ReadMetadata(RpcMetadataLimits.Default, out RpcMetadata metadata) == RpcMetadataError.None
                && metadata.SequenceEqual(input.metadata) && metadata.Length == input.metadata.Length;
        }).Check(Many);
    }

    [Fact]
    public void AnyResponse_WrittenAndRead_IsTheSame()
    {
        var cases =
            from callId in CallIds
            from code in Gen.Elements(Enum.GetValues<RpcStatusCode>())
            from message in Texts
            from details in Bodies
            from metadata in Metadata
            from trailers in Metadata
            from wasProcessed in ArbMap.Default.GeneratorFor<bool>()
            from body in Bodies
            from cuts in Cuts
            select (callId, code, message, details, metadata, trailers, wasProcessed, body, cuts);
        Prop.ForAll(cases.ToArbitrary(), input =>
        {
            bool failed = input.code != RpcStatusCode.Ok;
            RpcCallHeader header = new()
            {
                Flags = failed ? RpcCallBits.NoMessage | (input.wasProcessed ? 0 : RpcCallBits.NotProcessed) : RpcCallBits.None,
                Status = failed ? new RpcStatus(input.code, input.message, input.details) : null,
                Metadata = input.metadata,
                Trailers = input.trailers,
            };
            byte[] body = failed ? [] : input.body;
            RpcFrame frame = Frames.Read(Segments.Cut(Frames.WriteCall(RpcFrameType.Response, input.callId, default, header, body), input.cuts));
            using RpcHeaderBytes bytes = new(frame.ProtocolData);
            return RpcReceivedHeader.Read(frame.Header, bytes.Span, out RpcReceivedHeader read) == RpcHeaderError.None
                && read.Flags == header.Flags && read.ToStatus() == (header.Status ?? RpcStatus.Ok)
                && frame.Body.ToArray().AsSpan().SequenceEqual(body)
                && read.ReadMetadata(RpcMetadataLimits.Default, out RpcMetadata metadata) == RpcMetadataError.None
                && read.ReadTrailers(RpcMetadataLimits.Default, out RpcMetadata trailers) == RpcMetadataError.None
                && metadata.SequenceEqual(input.metadata) && trailers.SequenceEqual(input.trailers);
        }).Check(Many);
    }

    [Fact]
    public void AnyControlFrame_WrittenAndRead_IsTheSame()
    {
        var cases =
            from callId in CallIds
            from credit in Gen.Choose(1, int.MaxValue)
            from code in Gen.Elements(Enum.GetValues<RpcStatusCode>())
            from why in Gen.Elements(Enum.GetValues<RpcGoAwayCode>())
            from message in Texts
            from opaque in ArbMap.Default.GeneratorFor<ulong>()
            from more in Gen.Choose(0, 65_535 - 256)
            from cuts in Cuts
            select (callId, credit, code, why, message, opaque, more, cuts);
        Prop.ForAll(cases.ToArbitrary(), input =>
        {
            RpcSettings settings = new()
            {
                InitialCallCredit = RpcSettings.DefaultCallCredit + input.more,
                ConnectionCredit = RpcSettings.DefaultConnectionCredit + input.more,
                MaxFrameBodyLength = RpcFrameRules.DefaultMaxFrameBodyLength + input.more,
                MethodTableSize = RpcSettings.DefaultMethodTableSize + input.more,
                MaxConcurrentCalls = input.credit,
                MaxMessageLength = input.more,
            };
            ArrayBufferWriter<byte> output = new();
            RpcControlFrame.WriteCredit(output, input.callId, input.credit);
            RpcControlFrame.WriteCancel(output, input.callId, input.code);
            RpcControlFrame.WritePing(output, input.opaque);
            RpcControlFrame.WritePong(output, input.opaque);
            RpcControlFrame.WriteGoAway(output, input.why, input.message);
            settings.Write(output);

            ReadOnlySequence<byte> buffer = Segments.Cut(output.WrittenMemory, input.cuts);
            return Next(RpcFrameType.Credit, header => RpcControlFrame.ReadCredit(header, out int credit) == RpcHeaderError.None && credit == input.credit)
                && Next(RpcFrameType.Cancel, header => RpcControlFrame.ReadCancel(header, out RpcStatusCode code) == RpcHeaderError.None && code == input.code)
                && Next(RpcFrameType.Ping, _ => true)
                && Next(RpcFrameType.Pong, _ => true)
                && Next(RpcFrameType.GoAway, header =>
                    RpcControlFrame.ReadGoAway(header, out RpcGoAwayCode why, out ReadOnlySpan<byte> message) == RpcHeaderError.None
                    && why == input.why && Encoding.UTF8.GetString(message) == input.message)
                && Next(RpcFrameType.Settings, header => RpcSettings.Read(header, out RpcSettings read) == RpcHeaderError.None && read == settings)
                && buffer.IsEmpty;

            bool Next(RpcFrameType type, HeaderPredicate holds)
            {
                Assert.Equal(RpcFrameReadStatus.Frame, RpcFrameReader.TryRead(ref buffer, Frames.Rules, out RpcFrame frame, out _));
                using RpcHeaderBytes bytes = new(frame.ProtocolData);
                bool isPing = type is RpcFrameType.Ping or RpcFrameType.Pong;
                return frame.Header.Type == type && holds(bytes.Span) && (!isPing || RpcControlFrame.ReadPing(frame.Body) == input.opaque);
            }
        }).Check(Many);
    }

    private delegate bool HeaderPredicate(ReadOnlySpan<byte> header);

    private static RpcMetadata Make(IEnumerable<RpcMetadataEntry> entries) => [.. entries];

    // FsCheck makes halves of surrogate pairs, which are no text.
    private static string Clean(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
}
