using System.Buffers;

namespace Kestrel.Rpc.Protocol.Tests;

public class RpcFrameReaderTests
{
    [Fact]
    public void TryRead_GoldenRequest_ReadsFrame()
    {
        ReadOnlySequence<byte> buffer = new(Golden.Request);
        Assert.Equal(RpcFrameReadStatus.Frame, RpcFrameReader.TryRead(ref buffer, RpcFrameLimits.Default, out RpcFrame frame, out _));
        Assert.Equal(new RpcFrameHeader(1, RpcFrameType.Request, 1, 51, 7), frame.Header);
        Assert.Equal(Golden.ProtocolData, frame.ProtocolData.ToArray());
        Assert.Equal(Golden.RequestBody, frame.Body.ToArray());
        Assert.True(buffer.IsEmpty);
    }

    [Fact]
    public void TryRead_ReplyOfTheOriginal_ReadsFrameOfTypeOne()
    {
        ReadOnlySequence<byte> buffer = new(Golden.ReplyOfTheOriginal);
        Assert.Equal(RpcFrameReadStatus.Frame, RpcFrameReader.TryRead(ref buffer, RpcFrameLimits.Default, out RpcFrame frame, out _));
        Assert.Equal(RpcFrameType.Request, frame.Header.Type);
        Assert.Equal(Golden.ReplyBody, frame.Body.ToArray());
    }

    [Fact]
    public void TryRead_SplitAtEveryOffset_ReadsSameFrame()
    {
        byte[] bytes = Golden.Request;
        for (int offset = 0; offset <= bytes.Length; offset++)
        {
            AssertReadsGoldenRequest(Segments.Cut(bytes, offset));
        }
    }

    [Fact]
    public void TryRead_SplitAtEveryPairOfOffsets_ReadsSameFrame()
    {
        byte[] bytes = Golden.Request;
        for (int first = 0; first <= bytes.Length; first++)
        {
            for (int second = 0; second <= bytes.Length - first; second++)
            {
                AssertReadsGoldenRequest(Segments.Cut(bytes, first, second));
            }
        }
    }

    [Fact]
    public void TryRead_OneByteASegment_ReadsSameFrame() => AssertReadsGoldenRequest(Segments.OneByteEach(Golden.Request));

    [Fact]
    public void TryRead_EmptySegmentsEverywhere_ReadsSameFrame() =>
        AssertReadsGoldenRequest(Segments.Cut(Golden.Request, Enumerable.Range(0, 90).Select(i => i % 3 == 2 ? 3 : 0)));

    [Fact]
    public void TryRead_EveryTruncation_NeedsMoreAndConsumesNothing()
    {
        byte[] bytes = Golden.Request;
        for (int length = 0; length < bytes.Length; length++)
        {
            foreach (ReadOnlySequence<byte> whole in (ReadOnlySequence<byte>[])[new(bytes, 0, length), Segments.OneByteEach(bytes.AsMemory(0, length))])
            {
                ReadOnlySequence<byte> buffer = whole;
                Assert.Equal(RpcFrameReadStatus.NeedMore, RpcFrameReader.TryRead(ref buffer, RpcFrameLimits.Default, out _, out RpcFrameError error));
                Assert.Equal(RpcFrameErrorKind.None, error.Kind);
                Assert.Equal(length, buffer.Length);
            }
        }
    }

    [Fact]
    public void TryRead_StickyFrames_ReadsEachAndLeavesTheRest()
    {
        byte[] bytes = [.. Golden.Request, .. Golden.Reply, .. Golden.ReplyOfTheOriginal, .. Golden.Request[..20]];
        foreach (ReadOnlySequence<byte> whole in (ReadOnlySequence<byte>[])[new(bytes), Segments.OneByteEach(bytes), Segments.Cut(bytes, 80, 1, 90)])
        {
            ReadOnlySequence<byte> buffer = whole;
            List<byte[]> bodies = [];
            RpcFrameReadStatus status;
            while ((status = RpcFrameReader.TryRead(ref buffer, RpcFrameLimits.Default, out RpcFrame frame, out _)) == RpcFrameReadStatus.Frame)
            {
                bodies.Add(frame.Body.ToArray());
            }

            Assert.Equal(RpcFrameReadStatus.NeedMore, status);
            Assert.Equal([Golden.RequestBody, Golden.ReplyBody, Golden.ReplyBody], bodies);
            Assert.Equal(Golden.Request[..20], buffer.ToArray());
        }
    }

    [Fact]
    public void TryRead_BothPartsEmpty_ReadsFrame()
    {
        ReadOnlySequence<byte> buffer = new(Golden.Header(sequenceId: uint.MaxValue));
        Assert.Equal(RpcFrameReadStatus.Frame, RpcFrameReader.TryRead(ref buffer, RpcFrameLimits.Default, out RpcFrame frame, out _));
        Assert.Equal(uint.MaxValue, frame.Header.SequenceId);
        Assert.True(frame.ProtocolData.IsEmpty);
        Assert.True(frame.Body.IsEmpty);
        Assert.True(buffer.IsEmpty);
    }

    [Fact]
    public void TryRead_Frame_AllocatesNothing()
    {
        ReadOnlySequence<byte> single = new(Golden.Request);
        ReadOnlySequence<byte> many = Segments.OneByteEach(Golden.Request);
        Read(single, many, 100);

        long before = GC.GetAllocatedBytesForCurrentThread();
        Read(single, many, 100);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        static void Read(ReadOnlySequence<byte> single, ReadOnlySequence<byte> many, int times)
        {
            for (int i = 0; i < times; i++)
            {
                ReadOnlySequence<byte> buffer = (i & 1) == 0 ? single : many;
                RpcFrameReader.TryRead(ref buffer, RpcFrameLimits.Default, out _, out _);
            }
        }
    }

    private static void AssertReadsGoldenRequest(ReadOnlySequence<byte> buffer)
    {
        Assert.Equal(RpcFrameReadStatus.Frame, RpcFrameReader.TryRead(ref buffer, RpcFrameLimits.Default, out RpcFrame frame, out _));
        Assert.Equal(new RpcFrameHeader(1, RpcFrameType.Request, 1, 51, 7), frame.Header);
        Assert.Equal(Golden.ProtocolData, frame.ProtocolData.ToArray());
        Assert.Equal(Golden.RequestBody, frame.Body.ToArray());
        Assert.Equal(0, buffer.Length);
    }
}
