namespace Kestrel.Rpc.Protocol.Tests;

public class RpcFrameHeaderTests
{
    [Fact]
    public void TryParse_GoldenRequest_ReadsEveryField()
    {
        Assert.True(RpcFrameHeader.TryParse(Golden.Request, out RpcFrameHeader header));
        Assert.Equal(new RpcFrameHeader(1, RpcFrameType.Request, 1, 51, 7), header);
        Assert.Equal(16 + 51 + 7, header.FrameLength);
    }

    [Fact]
    public void TryParse_EveryFieldDistinct_KeepsByteOrder()
    {
        byte[] bytes =
        [
            0x12, 0x34, // magic
            0xa1, // version
            0xa2, // type
            0x01, 0x02, 0x03, 0x04, // sequence id
            0x05, 0x06, 0x07, 0x08, // protocol-data length
            0xf1, 0xf2, 0xf3, 0xf4, // body length
        ];
        Assert.True(RpcFrameHeader.TryParse(bytes, out RpcFrameHeader header));
        Assert.Equal(new RpcFrameHeader(0xa1, (RpcFrameType)0xa2, 0x01020304, 0x05060708, 0xf1f2f3f4), header);

        byte[] written = new byte[RpcFrameHeader.Size];
        header.Write(written);
        Assert.Equal(bytes, written);
    }

    [Fact]
    public void TryParse_OneByteShort_Fails()
    {
        Assert.False(RpcFrameHeader.TryParse(Golden.Request.AsSpan(0, RpcFrameHeader.Size - 1), out RpcFrameHeader header));
        Assert.Equal(default, header);
    }

    [Theory]
    [InlineData(0x34, 0x12)]
    [InlineData(0x12, 0x35)]
    [InlineData(0x13, 0x34)]
    public void TryParse_WrongMagic_Fails(byte first, byte second)
    {
        byte[] bytes = Golden.Request;
        (bytes[0], bytes[1]) = (first, second);
        Assert.False(RpcFrameHeader.TryParse(bytes, out _));
    }

    [Fact]
    public void FrameLength_BothLengthsLargest_DoesNotOverflow() =>
        Assert.Equal(16 + (2L * uint.MaxValue), new RpcFrameHeader(1, RpcFrameType.Request, 1, uint.MaxValue, uint.MaxValue).FrameLength);

    [Fact]
    public void Write_OneByteShort_Throws() =>
        Assert.Throws<ArgumentException>(() => default(RpcFrameHeader).Write(new byte[RpcFrameHeader.Size - 1]));

    [Fact]
    public void WriteSequenceId_WrittenFrame_ChangesNothingElse()
    {
        byte[] frame = Golden.Request;
        RpcFrameHeader.WriteSequenceId(frame, 0x01020304);
        Assert.Equal([.. Golden.Request[..4], 0x01, 0x02, 0x03, 0x04, .. Golden.Request[8..]], frame);
        Assert.Throws<ArgumentOutOfRangeException>(() => RpcFrameHeader.WriteSequenceId(new byte[15], 1));
    }
}
