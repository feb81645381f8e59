using System.Buffers;

namespace Kestrel.Rpc.Protocol.Tests;

public class RpcFrameRulesTests
{
    private static readonly byte[] Request = Frames.Make(RpcFrameType.Request, 5, [0x01, 0x02], [1, 2, 3]);

    [Fact]
    public void TryRead_BothVersions_ReadsEachWithItsOwnLimits()
    {
        byte[] bytes = [.. Golden.Request, .. Request];
        ReadOnlySequence<byte> buffer = new(bytes);
        Assert.Equal(RpcFrameReadStatus.Frame, RpcFrameReader.TryRead(ref buffer, RpcFrameRules.Default, out RpcFrame first, out _));
        Assert.Equal(RpcFrameReadStatus.Frame, RpcFrameReader.TryRead(ref buffer, RpcFrameRules.Default, out RpcFrame second, out _));
        Assert.Equal((1, 2), (first.Header.Version, second.Header.Version));
        Assert.Equal([1, 2, 3], second.Body.ToArray());

        uint over = RpcFrameRules.DefaultMaxFrameBodyLength + 1;
        Assert.Equal(RpcFrameErrorKind.None, Error(Golden.Header(1, 1, 1, 0, over)));
        Assert.Equal(RpcFrameErrorKind.BodyTooLong, Error(Golden.Header(2, 1, 1, 2, over)));
    }

    [Fact]
    public void For_OneVersion_RefusesTheOther()
    {
        RpcFrameRules one = RpcFrameRules.Default.For(1);
        RpcFrameRules two = RpcFrameRules.Default.For(2);
        Assert.Same(one, RpcFrameRules.Default.For(1));
        Assert.Same(two, two.For(2));
        Assert.Equal(RpcFrameErrorKind.UnsupportedVersion, Error(Request, one));
        Assert.Equal(RpcFrameErrorKind.UnsupportedVersion, Error(Golden.Request, two));
        Assert.Throws<ArgumentOutOfRangeException>(() => one.For(2));
        Assert.Throws<ArgumentOutOfRangeException>(() => RpcFrameRules.Default.For(3));
    }

    [Fact]
    public void TryRead_SplitAtEveryPairOfOffsets_ReadsSameFrame()
    {
        for (int first = 0; first <= Request.Length; first++)
        {
            for (int second = 0; second <= Request.Length - first; second++)
            {
                RpcFrame frame = Frames.Read(Segments.Cut(Request, first, second));
                Assert.Equal([0x01, 0x02], frame.ProtocolData.ToArray());
                Assert.Equal([1, 2, 3], frame.Body.ToArray());
            }
        }
    }

    [Fact]
    public void TryRead_EveryTruncation_NeedsMoreAndConsumesNothing()
    {
        for (int length = 0; length < Request.Length; length++)
        {
            ReadOnlySequence<byte> buffer = Segments.OneByteEach(Request.AsMemory(0, length));
            Assert.Equal(RpcFrameReadStatus.NeedMore, RpcFrameReader.TryRead(ref buffer, Frames.Rules, out _, out _));
            Assert.Equal(length, buffer.Length);
        }
    }

    [Fact]
    public void TryRead_SeveralThingsWrong_ReportsTheFirstInOrder()
    {
        RpcFrameRules small = new(null, new RpcFrameLimits { MaxProtocolDataLength = 10, MaxBodyLength = 20 });
        Assert.Equal(RpcFrameErrorKind.UnsupportedVersion, Error(Golden.Header(3, 99, 0, 99, 99), small));
        Assert.Equal(RpcFrameErrorKind.UnknownType, Error(Golden.Header(2, 11, 0, 99, 99), small));
        Assert.Equal(RpcFrameErrorKind.UnknownType, Error(Golden.Header(2, 0, 0, 99, 99), small));
        Assert.Equal(RpcFrameErrorKind.ProtocolDataTooLong, Error(Golden.Header(2, 7, 1, 11, 99), small));
        Assert.Equal(RpcFrameErrorKind.BodyTooLong, Error(Golden.Header(2, 7, 1, 10, 21), small));
        Assert.Equal(RpcFrameErrorKind.WrongCallId, Error(Golden.Header(2, 7, 1, 10, 20), small));
        Assert.Equal(RpcFrameErrorKind.WrongLength, Error(Golden.Header(2, 7, 0, 10, 20), small));
    }

    [Theory]
    [InlineData(RpcFrameType.Request, 0u, 2u, 0u, RpcFrameErrorKind.WrongCallId)]
    [InlineData(RpcFrameType.Request, 1u, 1u, 0u, RpcFrameErrorKind.WrongLength)]
    [InlineData(RpcFrameType.Request, 1u, 2u, 0u, RpcFrameErrorKind.None)]
    [InlineData(RpcFrameType.Response, 0u, 0u, 0u, RpcFrameErrorKind.WrongCallId)]
    [InlineData(RpcFrameType.Response, 1u, 0u, 9u, RpcFrameErrorKind.None)]
    [InlineData(RpcFrameType.Headers, 0u, 0u, 0u, RpcFrameErrorKind.WrongCallId)]
    [InlineData(RpcFrameType.Headers, 1u, 0u, 1u, RpcFrameErrorKind.WrongLength)]
    [InlineData(RpcFrameType.Headers, 1u, 0u, 0u, RpcFrameErrorKind.None)]
    [InlineData(RpcFrameType.Data, 0u, 0u, 0u, RpcFrameErrorKind.WrongCallId)]
    [InlineData(RpcFrameType.Data, 1u, 0u, 0u, RpcFrameErrorKind.None)]
    [InlineData(RpcFrameType.Credit, 0u, 1u, 0u, RpcFrameErrorKind.None)]
    [InlineData(RpcFrameType.Credit, 1u, 1u, 0u, RpcFrameErrorKind.None)]
    [InlineData(RpcFrameType.Credit, 1u, 0u, 0u, RpcFrameErrorKind.WrongLength)]
    [InlineData(RpcFrameType.Credit, 1u, 1u, 1u, RpcFrameErrorKind.WrongLength)]
    [InlineData(RpcFrameType.Cancel, 0u, 0u, 0u, RpcFrameErrorKind.WrongCallId)]
    [InlineData(RpcFrameType.Cancel, 1u, 0u, 0u, RpcFrameErrorKind.None)]
    [InlineData(RpcFrameType.Cancel, 1u, 0u, 1u, RpcFrameErrorKind.WrongLength)]
    [InlineData(RpcFrameType.Ping, 0u, 0u, 8u, RpcFrameErrorKind.None)]
    [InlineData(RpcFrameType.Ping, 1u, 0u, 8u, RpcFrameErrorKind.WrongCallId)]
    [InlineData(RpcFrameType.Ping, 0u, 0u, 7u, RpcFrameErrorKind.WrongLength)]
    [InlineData(RpcFrameType.Pong, 0u, 1u, 8u, RpcFrameErrorKind.WrongLength)]
    [InlineData(RpcFrameType.Pong, 0u, 0u, 9u, RpcFrameErrorKind.WrongLength)]
    [InlineData(RpcFrameType.GoAway, 1u, 1u, 0u, RpcFrameErrorKind.WrongCallId)]
    [InlineData(RpcFrameType.GoAway, 0u, 0u, 0u, RpcFrameErrorKind.WrongLength)]
    [InlineData(RpcFrameType.GoAway, 0u, 1u, 0u, RpcFrameErrorKind.None)]
    [InlineData(RpcFrameType.Settings, 1u, 0u, 0u, RpcFrameErrorKind.WrongCallId)]
    [InlineData(RpcFrameType.Settings, 0u, 0u, 1u, RpcFrameErrorKind.WrongLength)]
    [InlineData(RpcFrameType.Settings, 0u, 0u, 0u, RpcFrameErrorKind.None)]
    public void TryReadHeader_TypeIdAndLengths_AreJudgedTogether(RpcFrameType type, uint id, uint n, uint m, RpcFrameErrorKind expected)
    {
        byte[] header = Golden.Header(2, (byte)type, id, n, m);
        Assert.Equal(expected, Error(header));
        if (expected != RpcFrameErrorKind.None)
        {
            RpcFrameReader.TryReadHeader(header, Frames.Rules, out _, out RpcFrameError error);
            Assert.Contains(type.ToString(), error.Describe(), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(0xFFFFFFFF, 0xFFFFFFFF, RpcFrameErrorKind.ProtocolDataTooLong)]
    [InlineData(2, 0xFFFFFFFF, RpcFrameErrorKind.BodyTooLong)]
    [InlineData(2, 0x80000000, RpcFrameErrorKind.BodyTooLong)]
    public void TryReadHeader_LengthsThatOverflow_AreErrors(uint n, uint m, RpcFrameErrorKind expected)
    {
        RpcFrameLimits largest = new() { MaxProtocolDataLength = RpcFrameLimits.Largest, MaxBodyLength = RpcFrameLimits.Largest };
        Assert.Equal(expected, Error(Golden.Header(2, 1, 1, n, m)));
        Assert.Equal(expected, Error(Golden.Header(2, 1, 1, n, m), new RpcFrameRules(null, largest)));
    }

    [Fact]
    public void TryRead_Version1Reader_RefusesVersion2()
    {
        ReadOnlySequence<byte> buffer = new(Request);
        Assert.Equal(RpcFrameReadStatus.Error, RpcFrameReader.TryRead(ref buffer, RpcFrameLimits.Default, out _, out RpcFrameError error));
        Assert.Equal(RpcFrameErrorKind.UnsupportedVersion, error.Kind);
        Assert.Equal(5u, error.Header.SequenceId);
    }

    // Every way of cutting the bytes must give the same answer.
    private static RpcFrameErrorKind Error(byte[] bytes, RpcFrameRules? rules = null)
    {
        RpcFrameErrorKind? kind = null;
        foreach (ReadOnlySequence<byte> whole in (ReadOnlySequence<byte>[])[new(bytes), Segments.OneByteEach(bytes), Segments.Cut(bytes, 7)])
        {
            ReadOnlySequence<byte> buffer = whole;
            RpcFrameReadStatus status = RpcFrameReader.TryRead(ref buffer, rules ?? RpcFrameRules.Default, out _, out RpcFrameError error);
            Assert.Equal(error.Kind != RpcFrameErrorKind.None, status == RpcFrameReadStatus.Error);
            kind ??= error.Kind;
            Assert.Equal(kind, error.Kind);
        }

        return kind!.Value;
    }
}
