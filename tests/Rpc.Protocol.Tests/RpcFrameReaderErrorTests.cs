using System.Buffers;

namespace Kestrel.Rpc.Protocol.Tests;

public class RpcFrameReaderErrorTests
{
    private static readonly RpcFrameLimits Small = new() { MaxProtocolDataLength = 10, MaxBodyLength = 20 };

    [Theory]
    [InlineData(new byte[] { 0x47 })] // G of an HTTP request
    [InlineData(new byte[] { 0x00 })]
    [InlineData(new byte[] { 0x12, 0x35 })]
    [InlineData(new byte[] { 0x34, 0x12 })] // little-endian
    [InlineData(new byte[] { 0x12, 0x00, 0x01, 0x01, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 })]
    public void TryRead_WrongMagic_IsAnErrorFromTheFirstWrongByte(byte[] bytes)
    {
        RpcFrameError error = ReadError(bytes, RpcFrameLimits.Default);
        Assert.Equal(RpcFrameErrorKind.WrongMagic, error.Kind);
        Assert.False(error.HasHeader);
    }

    [Fact]
    public void TryRead_RightFirstByteOfMagic_NeedsMore()
    {
        ReadOnlySequence<byte> buffer = new([0x12]);
        Assert.Equal(RpcFrameReadStatus.NeedMore, RpcFrameReader.TryRead(ref buffer, RpcFrameLimits.Default, out _, out _));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(255)]
    public void TryRead_OtherVersion_IsAnErrorWithTheHeader(byte version)
    {
        RpcFrameError error = ReadError(Golden.Header(version: version, sequenceId: 7), RpcFrameLimits.Default);
        Assert.Equal(RpcFrameErrorKind.UnsupportedVersion, error.Kind);
        Assert.True(error.HasHeader);
        Assert.Equal(7u, error.Header.SequenceId);
        Assert.Equal(version, error.Header.Version);
        Assert.Equal($"Version {version} is not supported.", error.Describe());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(255)]
    public void TryRead_UnknownType_IsAnErrorWithTheHeader(byte type)
    {
        RpcFrameError error = ReadError(Golden.Header(type: type, sequenceId: 8), RpcFrameLimits.Default);
        Assert.Equal(RpcFrameErrorKind.UnknownType, error.Kind);
        Assert.Equal(8u, error.Header.SequenceId);
        Assert.Equal($"Frame type {type} is not known.", error.Describe());
    }

    [Fact]
    public void TryRead_LengthsAtTheLimits_IsAFrame()
    {
        byte[] bytes = [.. Golden.Header(protocolData: 10, body: 20), .. new byte[30]];
        ReadOnlySequence<byte> buffer = new(bytes);
        Assert.Equal(RpcFrameReadStatus.Frame, RpcFrameReader.TryRead(ref buffer, Small, out RpcFrame frame, out _));
        Assert.Equal(10, frame.ProtocolData.Length);
        Assert.Equal(20, frame.Body.Length);
    }

    [Fact]
    public void TryRead_ProtocolDataOverTheLimit_IsAnErrorBeforeItArrives()
    {
        RpcFrameError error = ReadError(Golden.Header(sequenceId: 9, protocolData: 11, body: 20), Small);
        Assert.Equal(RpcFrameErrorKind.ProtocolDataTooLong, error.Kind);
        Assert.Equal(9u, error.Header.SequenceId);
        Assert.Equal("Protocol data of 11 bytes is over the limit.", error.Describe());
    }

    [Fact]
    public void TryRead_BodyOverTheLimit_IsAnErrorBeforeItArrives()
    {
        RpcFrameError error = ReadError(Golden.Header(sequenceId: 9, protocolData: 10, body: 21), Small);
        Assert.Equal(RpcFrameErrorKind.BodyTooLong, error.Kind);
        Assert.Equal(9u, error.Header.SequenceId);
        Assert.Equal("A body of 21 bytes is over the limit.", error.Describe());
    }

    [Theory]
    [InlineData(0xFFFFFFFF, 0xFFFFFFFF, RpcFrameErrorKind.ProtocolDataTooLong)] // the sum wraps to 14 in 32 bits
    [InlineData(0x80000000, 0x80000000, RpcFrameErrorKind.ProtocolDataTooLong)] // the sum wraps to 16
    [InlineData(0, 0xFFFFFFFF, RpcFrameErrorKind.BodyTooLong)] // -1 as a signed number
    [InlineData(0, 0xFFFFFFF0, RpcFrameErrorKind.BodyTooLong)] // wraps to 0 with the header
    [InlineData(1, 0x80000000, RpcFrameErrorKind.BodyTooLong)]
    [InlineData(0xFFFFFFFF, 1, RpcFrameErrorKind.ProtocolDataTooLong)]
    public void TryRead_LengthsThatOverflow_AreErrors(uint protocolData, uint body, RpcFrameErrorKind expected)
    {
        RpcFrameLimits largest = new() { MaxProtocolDataLength = RpcFrameLimits.Largest, MaxBodyLength = RpcFrameLimits.Largest };
        foreach (RpcFrameLimits limits in (RpcFrameLimits[])[RpcFrameLimits.Default, largest])
        {
            RpcFrameError error = ReadError([.. Golden.Header(protocolData: protocolData, body: body), .. new byte[64]], limits);
            Assert.Equal(expected, error.Kind);
            Assert.Equal(protocolData, error.Header.ProtocolDataLength);
            Assert.Equal(body, error.Header.BodyLength);
        }
    }

    [Fact]
    public void TryRead_SeveralThingsWrong_ReportsTheFirstInOrder()
    {
        Assert.Equal(RpcFrameErrorKind.UnsupportedVersion, ReadError(Golden.Header(9, 9, 1, 99, 99), Small).Kind);
        Assert.Equal(RpcFrameErrorKind.UnknownType, ReadError(Golden.Header(1, 9, 1, 99, 99), Small).Kind);
        Assert.Equal(RpcFrameErrorKind.ProtocolDataTooLong, ReadError(Golden.Header(1, 1, 1, 99, 99), Small).Kind);
    }

    [Fact]
    public void TryRead_ErrorBehindAGoodFrame_GivesTheFrameFirst()
    {
        byte[] bytes = [.. Golden.Request, 0x00];
        ReadOnlySequence<byte> buffer = new(bytes);
        Assert.Equal(RpcFrameReadStatus.Frame, RpcFrameReader.TryRead(ref buffer, RpcFrameLimits.Default, out _, out _));
        Assert.Equal(RpcFrameReadStatus.Error, RpcFrameReader.TryRead(ref buffer, RpcFrameLimits.Default, out _, out RpcFrameError error));
        Assert.Equal(RpcFrameErrorKind.WrongMagic, error.Kind);
        Assert.Equal(1, buffer.Length);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(RpcFrameLimits.Largest + 1)]
    public void Limits_OutOfRange_Throw(int value)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new RpcFrameLimits { MaxBodyLength = value });
        Assert.Throws<ArgumentOutOfRangeException>(() => new RpcFrameLimits { MaxProtocolDataLength = value });
    }

    // Every way of cutting the bytes must give the same error, and consume nothing.
    private static RpcFrameError ReadError(byte[] bytes, RpcFrameLimits limits)
    {
        RpcFrameError? first = null;
        foreach (ReadOnlySequence<byte> whole in (ReadOnlySequence<byte>[])[new(bytes), Segments.OneByteEach(bytes), Segments.Cut(bytes, 7)])
        {
            ReadOnlySequence<byte> buffer = whole;
            Assert.Equal(RpcFrameReadStatus.Error, RpcFrameReader.TryRead(ref buffer, limits, out _, out RpcFrameError error));
            Assert.Equal(bytes.Length, buffer.Length);
            first ??= error;
            Assert.Equal(first, error);
        }

        return first!.Value;
    }
}
