using System.Buffers;
using FsCheck;
using FsCheck.Fluent;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;

namespace Kestrel.Rpc.Protocol.Tests;

/// <summary>What holds for every input. FsCheck prints the seed and the smallest failing input.</summary>
public class RpcFrameProperties
{
    private static readonly Config Many = Config.QuickThrowOnFailure.WithMaxTest(2_000).WithEndSize(200);
    private static readonly RpcFrameLimits Limits = new() { MaxProtocolDataLength = 64, MaxBodyLength = 128 };

    // Random bytes are hardly ever a header, so most inputs are made of pieces that are nearly frames.
    private static readonly Gen<byte[]> NearlyFrames =
        Gen.OneOf(
            ArbMap.Default.GeneratorFor<byte[]>(),
            Gen.Constant(Golden.Request),
            Gen.Constant(Golden.Reply),
            from version in Gen.Elements<byte>(0, 1, 1, 1, 2)
            from type in Gen.Elements<byte>(0, 1, 2, 3)
            from protocolData in Gen.Elements<uint>(0, 1, 64, 65, 0x80000000, 0xFFFFFFFF)
            from body in Gen.Elements<uint>(0, 1, 128, 129, 0x80000000, 0xFFFFFFFF)
            from sequenceId in ArbMap.Default.GeneratorFor<uint>()
            select Golden.Header(version, type, sequenceId, protocolData, body))
        .ListOf(4)
        .Select(pieces => pieces.SelectMany(piece => piece).ToArray());

    private static readonly Gen<int[]> Cuts = Gen.Choose(0, 20).ArrayOf();

    [Fact]
    public void AnyFrame_WrittenAndReadBack_IsTheSame()
    {
        var frames =
            from type in Gen.Elements(RpcFrameType.Request, RpcFrameType.Response)
            from sequenceId in ArbMap.Default.GeneratorFor<uint>()
            from protocolData in ArbMap.Default.GeneratorFor<byte[]>()
            from body in ArbMap.Default.GeneratorFor<byte[]>()
            from cuts in Cuts
            select (type, sequenceId, protocolData, body, cuts);
        Prop.ForAll(frames.ToArbitrary(), input =>
        {
            ArrayBufferWriter<byte> output = new();
            RpcFrameWriter.Write(output, input.type, input.sequenceId, input.protocolData, input.body);
            ReadOnlySequence<byte> buffer = Segments.Cut(output.WrittenMemory, input.cuts);
            return RpcFrameReader.TryRead(ref buffer, RpcFrameLimits.Default, out RpcFrame frame, out _) == RpcFrameReadStatus.Frame
                && frame.Header == new RpcFrameHeader(1, input.type, input.sequenceId, (uint)input.protocolData.Length, (uint)input.body.Length)
                && frame.ProtocolData.ToArray().AsSpan().SequenceEqual(input.protocolData)
                && frame.Body.ToArray().AsSpan().SequenceEqual(input.body)
                && buffer.IsEmpty;
        }).Check(Many);
    }

    [Fact]
    public void AnyBytes_CutInAnyWay_GiveTheSameResults() =>
        Prop.ForAll(NearlyFrames.ToArbitrary(), Cuts.ToArbitrary(), (bytes, cuts) =>
        {
            List<string> whole = ReadAll(new ReadOnlySequence<byte>(bytes));
            return whole.SequenceEqual(ReadAll(Segments.Cut(bytes, cuts))) && whole.SequenceEqual(ReadAll(Segments.OneByteEach(bytes)));
        }).Check(Many);

    [Fact]
    public void AnyBytes_ArrivingInPieces_GiveTheSameFramesAndError() =>
        Prop.ForAll(NearlyFrames.ToArbitrary(), bytes =>
        {
            // What a connection sees: the buffer grows by one byte, and what was read is gone.
            List<string> seen = [];
            int start = 0;
            for (int end = 1; end <= bytes.Length && (seen.Count == 0 || !seen[^1].StartsWith("Error", StringComparison.Ordinal)); end++)
            {
                ReadOnlySequence<byte> buffer = new(bytes, start, end - start);
                List<string> now = ReadAll(buffer, out long consumed);
                start += (int)consumed;
                seen.AddRange(now.Where(result => !result.StartsWith("NeedMore", StringComparison.Ordinal)));
            }

            return seen.SequenceEqual(ReadAll(new ReadOnlySequence<byte>(bytes)).Where(result => !result.StartsWith("NeedMore", StringComparison.Ordinal)));
        }).Check(Many.WithMaxTest(500));

    [Fact]
    public void AnyBytes_AsProtocolData_NeverThrow()
    {
        Gen<byte[]> nearlyJson = Gen.OneOf(
            ArbMap.Default.GeneratorFor<byte[]>(),
            Gen.Elements("{", "}", "\"service_name\"", "\"method_name\"", ":", ",", "\"S\"", "1", "null", "[", "]", "\"\\ud800\"", " ", "\"")
                .ArrayOf()
                .Select(tokens => System.Text.Encoding.UTF8.GetBytes(string.Concat(tokens))),
            from index in Gen.Choose(0, Golden.ProtocolData.Length - 1)
            from value in ArbMap.Default.GeneratorFor<byte>()
            select Golden.ProtocolData.Select((old, i) => i == index ? value : old).ToArray());
        Prop.ForAll(nearlyJson.ToArbitrary(), Cuts.ToArbitrary(), (bytes, cuts) =>
        {
            bool whole = RpcProtocolData.TryReadRequest(new(bytes), out RpcProtocolData first, out RpcProtocolDataError firstError);
            bool cut = RpcProtocolData.TryReadRequest(Segments.Cut(bytes, cuts), out RpcProtocolData second, out RpcProtocolDataError secondError);
            return whole == cut && firstError == secondError && first == second && whole == (firstError == RpcProtocolDataError.None);
        }).Check(Many);
    }

    [Fact]
    public void AnyBytes_AsMessage_AreAMessageOrADeserializationError()
    {
        // Pieces of protobuf: tags of every wire type, lengths good and bad, and noise.
        Gen<byte[]> nearlyMessages = Gen.OneOf(
            ArbMap.Default.GeneratorFor<byte[]>(),
            Gen.Elements<byte>(0x00, 0x07, 0x08, 0x0a, 0x0b, 0x0c, 0x0d, 0x0f, 0x12, 0x1a, 0x22, 0x01, 0x02, 0x05, 0x7f, 0x80, 0xff).ArrayOf());
        Prop.ForAll(nearlyMessages.ToArbitrary(), Cuts.ToArbitrary(), (bytes, cuts) =>
            SameWithCuts<StringValue>(bytes, cuts) && SameWithCuts<Struct>(bytes, cuts) && SameWithCuts<Any>(bytes, cuts)
            && SameWithCuts<FileDescriptorProto>(bytes, cuts) && SameWithCuts<Empty>(bytes, cuts) && SameWithCuts<DoubleValue>(bytes, cuts))
            .Check(Many);

        static bool SameWithCuts<TMessage>(byte[] bytes, int[] cuts)
            where TMessage : IMessage<TMessage>, new()
        {
            string whole = Parse<TMessage>(new ReadOnlySequence<byte>(bytes));
            return whole == Parse<TMessage>(Segments.Cut(bytes, cuts)) && whole == Parse<TMessage>(Segments.OneByteEach(bytes));
        }

        static string Parse<TMessage>(ReadOnlySequence<byte> source)
            where TMessage : IMessage<TMessage>, new()
        {
            try
            {
                return Convert.ToHexString(RpcMessageCodec.Deserialize<TMessage>(source).ToByteArray());
            }
            catch (RpcException exception) when (exception.Code == RpcErrorCode.Deserialization)
            {
                return "error";
            }
        }
    }

    [Fact]
    public void AnyNames_WrittenAndReadBack_AreTheSame() =>
        Prop.ForAll(ArbMap.Default.ArbFor<NonNull<string>>(), ArbMap.Default.ArbFor<NonNull<string>>(), (service, method) =>
        {
            ArrayBufferWriter<byte> output = new();
            RpcProtocolData.Write(output, service.Get, method.Get);
            return RpcProtocolData.TryReadRequest(new(output.WrittenMemory), out RpcProtocolData data, out _)
                && data == new RpcProtocolData(service.Get, method.Get);
        }).Check(Many);

    private static List<string> ReadAll(ReadOnlySequence<byte> buffer) => ReadAll(buffer, out _);

    private static List<string> ReadAll(ReadOnlySequence<byte> buffer, out long consumed)
    {
        long length = buffer.Length;
        List<string> results = [];
        while (true)
        {
            RpcFrameReadStatus status = RpcFrameReader.TryRead(ref buffer, Limits, out RpcFrame frame, out RpcFrameError error);
            results.Add(status switch
            {
                RpcFrameReadStatus.Frame =>
                    $"Frame {frame.Header} {Convert.ToHexString(frame.ProtocolData.ToArray())} {Convert.ToHexString(frame.Body.ToArray())}",
                RpcFrameReadStatus.Error => $"Error {error}",
                _ => $"NeedMore after {length - buffer.Length}",
            });
            if (status != RpcFrameReadStatus.Frame)
            {
                consumed = length - buffer.Length;
                return results;
            }
        }
    }
}
