using System.Buffers;
using FsCheck;
using FsCheck.Fluent;

namespace Kestrel.Rpc.Protocol.Tests;

public sealed class RpcMessageAssemblyTests : IDisposable
{
    private readonly CountingPool _pool = new();
    private readonly RpcMessageAssembly _assembly;

    public RpcMessageAssemblyTests() => _assembly = new RpcMessageAssembly(1000, _pool);

    /// <summary>After every test all memory is back, whatever came of the message.</summary>
    public void Dispose()
    {
        _assembly.Dispose();
        Assert.Equal(0, _pool.Rented);
    }

    [Fact]
    public void Add_Pieces_GiveTheMessageAndItsAttachment()
    {
        Assert.Equal(RpcAssemblyResult.Incomplete, Add(RpcCallBits.More | RpcCallBits.Compressed, [1, 2, 3], out _, length: 7, attachment: 2));
        Assert.True(_assembly.IsUnderWay);
        Assert.Equal(RpcAssemblyResult.Incomplete, Add(RpcCallBits.More, [4, 5, 6], out _));
        Assert.Equal(RpcAssemblyResult.Complete, Add(RpcCallBits.End, [7], out RpcPooledMessage? message));
        Assert.False(_assembly.IsUnderWay);
        Assert.True(message!.IsCompressed);
        Assert.Equal(7, message.Length);
        Assert.Equal([1, 2, 3, 4, 5], message.Message.ToArray());
        Assert.Equal([6, 7], message.Attachment.ToArray());
        message.Dispose();
        message.Dispose();
    }

    [Fact]
    public void Add_WholeMessages_AreCopied()
    {
        foreach (byte[] bytes in (byte[][])[[], [1], [1, 2, 3]])
        {
            Assert.Equal(RpcAssemblyResult.Complete, Add(RpcCallBits.None, bytes, out RpcPooledMessage? message));
            Assert.Equal(bytes, message!.Message.ToArray());
            Assert.True(message.Attachment.IsEmpty);
            Assert.False(message.IsCompressed);
            message.Dispose();
        }
    }

    [Fact]
    public void Add_MessageOverTheLimit_IsRefusedBeforeMemoryIsTaken()
    {
        Assert.Equal(RpcAssemblyResult.TooLong, Add(RpcCallBits.More, [1], out _, length: 1001));
        Assert.Equal(RpcAssemblyResult.TooLong, Add(RpcCallBits.More, [1], out _, length: long.MaxValue));
        Assert.Equal(RpcAssemblyResult.TooLong, Add(RpcCallBits.None, new byte[1001], out _));
        Assert.Equal(0, _pool.RentedEver);
        Assert.False(_assembly.IsUnderWay);
        Assert.Equal(RpcAssemblyResult.Incomplete, Add(RpcCallBits.More, [1], out _, length: 1000));
    }

    public static TheoryData<string, RpcCallBits, int, int, int> Mismatches => new()
    {
        { "more than promised", RpcCallBits.More, 5, 0, 0 },
        { "all there, but more is to come", RpcCallBits.More, 4, 0, 0 },
        { "the end too early", RpcCallBits.None, 3, 0, 0 },
        { "the end too late", RpcCallBits.End, 5, 0, 0 },
        { "no message", RpcCallBits.NoMessage | RpcCallBits.End, 0, 0, 0 },
        { "compressed from here on", RpcCallBits.Compressed, 4, 0, 0 },
        { "a second length", RpcCallBits.More, 1, 9, 0 },
        { "a late attachment", RpcCallBits.None, 4, 0, 1 },
    };

    [Theory]
    [MemberData(nameof(Mismatches))]
    public void Add_PieceThatDoesNotFit_IsAMismatch(string why, RpcCallBits flags, int length, int messageLength, int attachment)
    {
        Assert.Equal(RpcAssemblyResult.Incomplete, Add(RpcCallBits.More, [1, 2], out _, length: 6));
        RpcAssemblyResult result = Add(flags, new byte[length], out RpcPooledMessage? message, messageLength, attachment);
        Assert.True(result == RpcAssemblyResult.Mismatch, why);
        Assert.Null(message);
        Assert.False(_assembly.IsUnderWay);
        Assert.Equal(0, _pool.Rented);
    }

    [Fact]
    public void Add_FirstPieceWithoutLengthOrMessage_IsAMismatch()
    {
        Assert.Equal(RpcAssemblyResult.Mismatch, Add(RpcCallBits.More, [1], out _));
        Assert.Equal(RpcAssemblyResult.Mismatch, Add(RpcCallBits.NoMessage | RpcCallBits.End, [], out _));
    }

    [Fact]
    public void Add_PromisedMuchSentLittle_TakesMemoryForWhatCame()
    {
        using RpcMessageAssembly large = new(int.MaxValue, _pool);
        long received = 0;
        byte[] piece = new byte[100];
        for (int i = 0; i < 1000; i++)
        {
            Assert.Equal(RpcAssemblyResult.Incomplete, large.Add(RpcCallBits.More, i == 0 ? 2_000_000_000 : 0, 0, new(piece), out _));
            received += piece.Length;
            Assert.InRange(_pool.Rented, received, Math.Max(8192, 4 * received));
        }

        large.Reset();
        Assert.Equal(0, _pool.Rented);
    }

    [Fact]
    public void AnyMessage_CutAndPutTogether_IsTheSame()
    {
        var cases =
            from length in Gen.OneOf(Gen.Choose(0, 300), Gen.Choose(0, 40_000))
            from maxPiece in Gen.OneOf(Gen.Choose(1, 40), Gen.Choose(1, 40_000))
            from credits in Gen.Choose(1, 5000).ListOf(5)
            from cuts in Gen.Choose(0, 500).ArrayOf()
            from attachment in Gen.Choose(0, length)
            select (length, maxPiece: Math.Max(maxPiece, (length / 2000) + 1), credits, cuts, attachment);
        Prop.ForAll(cases.ToArbitrary(), input =>
        {
            byte[] bytes = new byte[input.length];
            new Random(input.length).NextBytes(bytes);
            RpcMessageCutter cutter = new(Segments.Cut(bytes, input.cuts), input.maxPiece);
            using RpcMessageAssembly assembly = new(40_000, _pool);
            for (int i = 0; ; i++)
            {
                bool isFirst = cutter.IsFirst;
                long before = cutter.Remaining;
                ReadOnlySequence<byte> piece = cutter.Take(input.credits[i % input.credits.Count], out bool isLast);
                if (piece.Length > input.maxPiece || cutter.Remaining != before - piece.Length || isLast != cutter.IsDone)
                {
                    return false;
                }

                RpcAssemblyResult result = assembly.Add(
                    isLast ? RpcCallBits.None : RpcCallBits.More,
                    isFirst && !isLast ? cutter.Length : 0,
                    isFirst ? input.attachment : 0,
                    piece,
                    out RpcPooledMessage? message);
                if (isLast)
                {
                    using (message)
                    {
                        return result == RpcAssemblyResult.Complete
                            && message!.Message.ToArray().AsSpan().SequenceEqual(bytes.AsSpan(..^input.attachment))
                            && message.Attachment.ToArray().AsSpan().SequenceEqual(bytes.AsSpan(input.length - input.attachment));
                    }
                }

                if (result != RpcAssemblyResult.Incomplete)
                {
                    return false;
                }
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));
        Assert.Equal(0, _pool.Rented);
    }

    [Fact]
    public void Cutter_EmptyMessage_IsOneEmptyPiece()
    {
        RpcMessageCutter cutter = new(default, 10);
        Assert.True(cutter.IsFirst);
        Assert.Equal(0, cutter.NextLength);
        Assert.True(cutter.Take(0, out bool isLast).IsEmpty);
        Assert.True(isLast && cutter.IsDone && !cutter.IsFirst);
        Assert.Throws<InvalidOperationException>(() => cutter.Take(1, out _));
    }

    [Fact]
    public void Cutter_NoRoom_Throws()
    {
        RpcMessageCutter cutter = new(new(new byte[3]), 10);
        Assert.Throws<ArgumentOutOfRangeException>(() => cutter.Take(0, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RpcMessageCutter(default, 0));
    }

    private RpcAssemblyResult Add(RpcCallBits flags, byte[] body, out RpcPooledMessage? message, long length = 0, long attachment = 0) =>
        _assembly.Add(flags, length, attachment, new(body), out message);
}
