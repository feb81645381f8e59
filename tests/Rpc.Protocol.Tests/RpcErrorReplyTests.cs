using System.Buffers;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;

namespace Kestrel.Rpc.Protocol.Tests;

public class RpcErrorReplyTests
{
    [Fact]
    public void Write_ReadBack_HasCodeMessageAndNames()
    {
        ArrayBufferWriter<byte> output = new();
        int written = RpcErrorReply.Write(output, 42, "helloworld", "Nope", RpcErrorCode.Server, "No \"Nope\" here: ä, 😀.");
        Assert.Equal(output.WrittenCount, written);

        RpcFrame frame = Read(output);
        Assert.Equal(RpcFrameType.Response, frame.Header.Type);
        Assert.Equal(42u, frame.Header.SequenceId);
        Assert.Equal(RpcErrorReply.Body.ToArray(), frame.Body.ToArray());
        Assert.True(RpcProtocolData.TryReadReply(frame.ProtocolData, out RpcProtocolData data, out _));
        Assert.Equal(new RpcProtocolData("helloworld", "Nope", "SERVER", "No \"Nope\" here: ä, 😀."), data);
    }

    [Theory]
    [InlineData(RpcErrorReply.MaxMessageLength, RpcErrorReply.MaxMessageLength)]
    [InlineData(RpcErrorReply.MaxMessageLength + 1, RpcErrorReply.MaxMessageLength)]
    public void Write_LongMessage_IsCut(int length, int expected)
    {
        ArrayBufferWriter<byte> output = new();
        RpcErrorReply.Write(output, 1, "S", "M", RpcErrorCode.Server, new string('m', length));
        Assert.True(RpcProtocolData.TryReadReply(Read(output).ProtocolData, out RpcProtocolData data, out _));
        Assert.Equal(expected, data.ErrorMessage!.Length);
    }

    [Theory]
    [InlineData(RpcErrorReply.MaxNameLength, RpcErrorReply.MaxNameLength)]
    [InlineData(RpcErrorReply.MaxNameLength + 1, 0)]
    [InlineData(65_480, 0)]
    public void Write_LongNames_AreLeftEmpty(int length, int expected)
    {
        ArrayBufferWriter<byte> output = new();
        RpcErrorReply.Write(output, 1, new string('s', length), new string('m', length), RpcErrorCode.Server, "No.");
        Assert.True(RpcProtocolData.TryReadReply(Read(output).ProtocolData, out RpcProtocolData data, out _));
        Assert.Equal(new string('s', expected), data.ServiceName);
        Assert.Equal(new string('m', expected), data.MethodName);
    }

    [Fact]
    public void Write_EverythingAsLongAndAsEscapedAsCanBe_StaysBelowTheStatedSize()
    {
        ArrayBufferWriter<byte> output = new();
        string name = new('\u0001', RpcErrorReply.MaxNameLength);
        RpcErrorReply.Write(output, 1, name, name, RpcErrorCode.Deserialization, new string('\u0001', 5_000));
        Assert.InRange(Read(output).ProtocolData.Length, 6 * (RpcErrorReply.MaxMessageLength + (2 * RpcErrorReply.MaxNameLength)), (10 * 1024) - 1);
    }

    [Fact]
    public void Write_SurrogatePairAtTheCut_IsNotTornApart()
    {
        ArrayBufferWriter<byte> output = new();
        RpcErrorReply.Write(output, 1, "S", "M", RpcErrorCode.Server, new string('m', RpcErrorReply.MaxMessageLength - 1) + "😀");
        Assert.True(RpcProtocolData.TryReadReply(Read(output).ProtocolData, out RpcProtocolData data, out _));
        Assert.Equal(new string('m', RpcErrorReply.MaxMessageLength - 1), data.ErrorMessage);
    }

    [Fact]
    public void Write_MessageThatIsNotText_IsStillWritten()
    {
        ArrayBufferWriter<byte> output = new();
        RpcErrorReply.Write(output, 1, "S", "M", RpcErrorCode.Server, "half \ud800 pair");
        Assert.True(RpcProtocolData.TryReadReply(Read(output).ProtocolData, out RpcProtocolData data, out _));
        Assert.Equal("half \ufffd pair", data.ErrorMessage);
    }

    // Messages of every shape: no field 1, field 1 of each wire type, maps, groups of fields, proto2 and proto3.
    public static TheoryData<string> MessageTypes => [.. Messages().Select(message => message.Descriptor.FullName)];

    [Theory]
    [MemberData(nameof(MessageTypes))]
    public void Body_AnyMessage_FailsToParse(string fullName)
    {
        MessageDescriptor descriptor = Messages().Single(message => message.Descriptor.FullName == fullName).Descriptor;
        byte[] body = RpcErrorReply.Body.ToArray();
        Assert.Throws<InvalidProtocolBufferException>(() => descriptor.Parser.ParseFrom(body));
        Assert.Throws<InvalidProtocolBufferException>(() => descriptor.Parser.ParseFrom(Segments.OneByteEach(body)));
        Assert.Throws<InvalidProtocolBufferException>(() => descriptor.Parser.ParseFrom(new MemoryStream(body)));
        Assert.Throws<InvalidProtocolBufferException>(() => descriptor.Parser.WithDiscardUnknownFields(true).ParseFrom(body));
    }

    [Fact]
    public void Body_NotAnEmptyMessage_SoThatFailureIsSeen()
    {
        Assert.Equal(new Empty(), Empty.Parser.ParseFrom([]));
        RpcException failed = Assert.Throws<RpcException>(() => RpcMessageCodec.Deserialize<Empty>(new(RpcErrorReply.Body.ToArray())));
        Assert.Equal(RpcErrorCode.Deserialization, failed.Code);
    }

    [Fact]
    public void WireNames_EveryCode_RoundTrips()
    {
        string[] expected = ["TIMEOUT", "CONNECTION", "NETWORK", "SERIALIZATION", "DESERIALIZATION", "ENCODING", "DECODING", "SERVER", "CLIENT", "RETRY_FAILED"];
        RpcErrorCode[] codes = System.Enum.GetValues<RpcErrorCode>();
        Assert.Equal(expected, codes.Select(code => code.ToWireName()));
        Assert.All(codes, code =>
        {
            Assert.True(RpcErrorCodeExtensions.TryParseWireName(code.ToWireName(), out RpcErrorCode parsed));
            Assert.Equal(code, parsed);
        });
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("server")]
    [InlineData("NO_SUCH")]
    public void WireNames_UnknownName_IsRefused(string? name) => Assert.False(RpcErrorCodeExtensions.TryParseWireName(name, out _));

    [Fact]
    public void WireNames_UnknownCode_Throws() => Assert.Throws<ArgumentOutOfRangeException>(() => default(RpcErrorCode).ToWireName());

    private static RpcFrame Read(ArrayBufferWriter<byte> output)
    {
        ReadOnlySequence<byte> buffer = new(output.WrittenMemory);
        Assert.Equal(RpcFrameReadStatus.Frame, RpcFrameReader.TryRead(ref buffer, RpcFrameLimits.Default, out RpcFrame frame, out _));
        Assert.True(buffer.IsEmpty);
        return frame;
    }

    private static IEnumerable<IMessage> Messages() =>
    [
        new Empty(), new StringValue(), new BytesValue(), new BoolValue(), new Int32Value(), new UInt64Value(), new FloatValue(),
        new DoubleValue(), new Any(), new Duration(), new Timestamp(), new FieldMask(), new Struct(), new Value(), new ListValue(),
        new Api(), new FileDescriptorProto(), new FileDescriptorSet(), new DescriptorProto(), new FieldOptions(), new UninterpretedOption(),
    ];
}
