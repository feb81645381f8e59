using System.Buffers;
using System.Text;

namespace Kestrel.Rpc.Protocol.Tests;

public class RpcControlFrameTests
{
    [Theory]
    [InlineData(0u, 1)]
    [InlineData(7u, 127)]
    [InlineData(7u, 128)]
    [InlineData(uint.MaxValue, int.MaxValue)]
    public void Credit_WrittenAndRead_IsTheSame(uint callId, int bytes)
    {
        RpcFrame frame = Frames.Read(Frames.Write(output => RpcControlFrame.WriteCredit(output, callId, bytes)));
        Assert.Equal((RpcFrameType.Credit, callId), (frame.Header.Type, frame.Header.SequenceId));
        Assert.Equal(RpcHeaderError.None, RpcControlFrame.ReadCredit(frame.ProtocolData.FirstSpan, out int read));
        Assert.Equal(bytes, read);
    }

    [Theory]
    [InlineData(new byte[0], RpcHeaderError.Malformed)]
    [InlineData(new byte[] { 0x80 }, RpcHeaderError.Malformed)]
    [InlineData(new byte[] { 0x00 }, RpcHeaderError.OutOfRange)]
    [InlineData(new byte[] { 0x80, 0x80, 0x80, 0x80, 0x08 }, RpcHeaderError.OutOfRange)] // 2^31
    [InlineData(new byte[] { 0x01, 0x00 }, RpcHeaderError.TrailingBytes)]
    public void Credit_Bad_IsRefused(byte[] header, RpcHeaderError expected)
    {
        Assert.Equal(expected, RpcControlFrame.ReadCredit(header, out int bytes));
        Assert.Equal(0, bytes);
    }

    [Theory]
    [InlineData(RpcStatusCode.Cancelled, 0)]
    [InlineData(RpcStatusCode.DeadlineExceeded, 1)]
    [InlineData(RpcStatusCode.Ok, 1)]
    public void Cancel_WrittenAndRead_IsTheSame(RpcStatusCode code, int length)
    {
        RpcFrame frame = Frames.Read(Frames.Write(output => RpcControlFrame.WriteCancel(output, 7, code)));
        Assert.Equal((RpcFrameType.Cancel, 7u, length), (frame.Header.Type, frame.Header.SequenceId, (int)frame.ProtocolData.Length));
        Assert.Equal(RpcHeaderError.None, RpcControlFrame.ReadCancel(frame.ProtocolData.FirstSpan, out RpcStatusCode read));
        Assert.Equal(code, read);
    }

    [Fact]
    public void Cancel_Odd_IsUnknownOrRefused()
    {
        Assert.Equal(RpcHeaderError.None, RpcControlFrame.ReadCancel([0x7f], out RpcStatusCode code));
        Assert.Equal(RpcStatusCode.Unknown, code);
        Assert.Equal(RpcHeaderError.Malformed, RpcControlFrame.ReadCancel([0xff], out _));
        Assert.Equal(RpcHeaderError.TrailingBytes, RpcControlFrame.ReadCancel([0x01, 0x01], out _));
    }

    [Fact]
    public void Ping_AndPong_CarryEightBytesHoweverTheyAreCut()
    {
        foreach (bool isPing in (bool[])[true, false])
        {
            byte[] bytes = Frames.Write(output => isPing
                ? RpcControlFrame.WritePing(output, 0x0102030405060708)
                : RpcControlFrame.WritePong(output, 0x0102030405060708));
            for (int cut = 0; cut <= bytes.Length; cut++)
            {
                RpcFrame frame = Frames.Read(Segments.Cut(bytes, cut));
                Assert.Equal(isPing ? RpcFrameType.Ping : RpcFrameType.Pong, frame.Header.Type);
                Assert.Equal(0x0102030405060708ul, RpcControlFrame.ReadPing(frame.Body));
            }
        }

        Assert.Throws<ArgumentException>(() => RpcControlFrame.ReadPing(new ReadOnlySequence<byte>(new byte[7])));
    }

    [Fact]
    public void GoAway_WrittenAndRead_IsTheSame()
    {
        foreach (RpcGoAwayCode code in Enum.GetValues<RpcGoAwayCode>())
        {
            RpcFrame frame = Frames.Read(Frames.Write(output => RpcControlFrame.WriteGoAway(output, code, "why \u20ac")));
            Assert.Equal(RpcHeaderError.None, RpcControlFrame.ReadGoAway(frame.ProtocolData.FirstSpan, out RpcGoAwayCode read, out ReadOnlySpan<byte> message));
            Assert.Equal((code, "why \u20ac"), (read, Encoding.UTF8.GetString(message)));
        }
    }

    [Fact]
    public void GoAway_Odd_IsAnInternalErrorOrRefused()
    {
        Assert.Equal(RpcHeaderError.None, RpcControlFrame.ReadGoAway([0x7f], out RpcGoAwayCode code, out _));
        Assert.Equal(RpcGoAwayCode.InternalError, code);
        Assert.Equal(RpcHeaderError.Malformed, RpcControlFrame.ReadGoAway([0xff], out _, out _));
        byte[] cut = Frames.Write(output => RpcControlFrame.WriteGoAway(output, RpcGoAwayCode.Shutdown, new string('x', 5000)));
        Assert.Equal(RpcFrameHeader.Size + 1 + RpcControlFrame.MaxGoAwayMessageLength, cut.Length);
    }

    [Fact]
    public void Settings_WrittenAndRead_AreTheSame()
    {
        RpcSettings some = new()
        {
            InitialCallCredit = 1 << 20,
            ConnectionCredit = int.MaxValue,
            MaxFrameBodyLength = RpcFrameLimits.Largest,
            MethodTableSize = 1000,
            MaxConcurrentCalls = 1,
            MaxMessageLength = 0,
        };
        foreach (RpcSettings settings in (RpcSettings[])[RpcSettings.Default, some])
        {
            RpcFrame frame = Frames.Read(Frames.Write(settings.Write));
            Assert.Equal(RpcHeaderError.None, RpcSettings.Read(frame.ProtocolData.FirstSpan, out RpcSettings read));
            Assert.Equal(settings, read);
        }

        Assert.Equal(RpcFrameHeader.Size, Frames.Write(RpcSettings.Default.Write).Length);
    }

    [Theory]
    [InlineData(new byte[] { 0x02 }, RpcHeaderError.Malformed)]
    [InlineData(new byte[] { 0x02, 0x80, 0x80, 0x10, 0x02, 0x80, 0x80, 0x10 }, RpcHeaderError.DuplicateField)]
    [InlineData(new byte[] { 0x02, 0xff, 0xff, 0x0f }, RpcHeaderError.OutOfRange)] // 256 KiB - 1
    [InlineData(new byte[] { 0x04, 0x80, 0x80, 0x10 }, RpcHeaderError.OutOfRange)] // 256 KiB for the connection
    [InlineData(new byte[] { 0x06, 0xff, 0xff, 0x03 }, RpcHeaderError.OutOfRange)] // 64 KiB - 1
    [InlineData(new byte[] { 0x06, 0xff, 0xff, 0xff, 0xff, 0x07 }, RpcHeaderError.OutOfRange)] // 2 GiB
    [InlineData(new byte[] { 0x08, 0xff, 0x01 }, RpcHeaderError.OutOfRange)] // 255 methods
    [InlineData(new byte[] { 0x08, 0x80, 0x80, 0x04 }, RpcHeaderError.OutOfRange)] // 65,536 methods
    [InlineData(new byte[] { 0x0a, 0x00 }, RpcHeaderError.OutOfRange)] // no calls
    [InlineData(new byte[] { 0x0c, 0x80, 0x80, 0x80, 0x80, 0x08 }, RpcHeaderError.OutOfRange)] // messages of 2 GiB
    [InlineData(new byte[] { 0x0b, 0x00 }, RpcHeaderError.WrongFieldKind)]
    [InlineData(new byte[] { 0x0e, 0x05, 0x0f, 0x01, 0x00 }, RpcHeaderError.None)] // settings of a later time
    public void Settings_Odd_AreRefusedOrSkipped(byte[] header, RpcHeaderError expected)
    {
        Assert.Equal(expected, RpcSettings.Read(header, out RpcSettings settings));
        Assert.Equal(RpcSettings.Default, settings);
    }

    [Fact]
    public void Writers_WrongArguments_Throw()
    {
        ArrayBufferWriter<byte> output = new();
        Assert.Throws<ArgumentOutOfRangeException>(() => RpcControlFrame.WriteCredit(output, 1, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => RpcControlFrame.WriteCancel(output, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RpcSettings { InitialCallCredit = 1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new RpcSettings { MaxFrameBodyLength = int.MaxValue });
        Assert.Throws<ArgumentOutOfRangeException>(() => new RpcSettings { MethodTableSize = 70_000 });
        Assert.Equal(0, output.WrittenCount);
    }
}
