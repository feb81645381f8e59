using System.Buffers;
using System.IO.Compression;
using FsCheck;
using FsCheck.Fluent;

namespace Kestrel.Rpc.Protocol.Tests;

public class RpcCompressionTests
{
    private static readonly byte[] Text = Frames.Repeat("The quick brown fox jumps over the lazy dog. "u8, 2000);

    public static TheoryData<RpcEncoding> Encodings => [RpcEncoding.Gzip, RpcEncoding.Brotli, RpcEncoding.Snappy];

    [Theory]
    [MemberData(nameof(Encodings))]
    public void Compress_Text_IsSmallerAndComesBack(RpcEncoding encoding)
    {
        foreach (CompressionLevel level in Enum.GetValues<CompressionLevel>())
        {
            byte[] compressed = Compress(encoding, new(Text), level);
            Assert.True(level == CompressionLevel.NoCompression || compressed.Length < Text.Length / 4);
            Assert.Equal(Text, Decompressed(encoding, new(compressed), Text.Length));
        }
    }

    [Theory]
    [MemberData(nameof(Encodings))]
    public void AnyMessage_InAnySegments_ComesBack(RpcEncoding encoding)
    {
        var cases =
            from bytes in Gen.OneOf(ArbMap.Default.GeneratorFor<byte[]>(), Gen.Choose(0, 3).Select(i => (byte)i).ArrayOf())
            from cuts in Gen.Choose(0, 60).ArrayOf()
            select (bytes, cuts);
        Prop.ForAll(cases.ToArbitrary(), input =>
        {
            byte[] compressed = Compress(encoding, Segments.Cut(input.bytes, input.cuts));
            return Decompressed(encoding, Segments.Cut(compressed, input.cuts), input.bytes.Length).AsSpan().SequenceEqual(input.bytes)
                && Decompressed(encoding, Segments.OneByteEach(compressed), input.bytes.Length).AsSpan().SequenceEqual(input.bytes);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300).WithEndSize(500));
    }

    [Theory]
    [MemberData(nameof(Encodings))]
    public void Decompress_OtherImplementationsBytes_AreRead(RpcEncoding encoding)
    {
        // "abcabcabcabc" as zlib makes it, and by hand from the two format descriptions.
        byte[] bytes = encoding switch
        {
            RpcEncoding.Gzip => Convert.FromHexString("1F8B08000000000002034B4C4A4E842100342A6E5A0C000000"),
            RpcEncoding.Brotli =>
            [
                0xb0, 0x00, 0x10, // window of 16 bits; not the last block, 12 bytes, uncompressed
                .. "abcabcabcabc"u8,
                0x03, // the last block, empty
            ],
            _ =>
            [
                0x0c, // length = 12
                0x08, .. "abc"u8, // three literal bytes
                0x15, 0x03, // nine bytes from three bytes back
            ],
        };
        Assert.Equal("abcabcabcabc"u8.ToArray(), Decompressed(encoding, new(bytes), 12));
    }

    [Theory]
    [MemberData(nameof(Encodings))]
    public void Decompress_OneByteOverTheLimit_IsTooLong(RpcEncoding encoding)
    {
        byte[] compressed = Compress(encoding, new(Text));
        foreach (int limit in (int[])[0, 1, Text.Length / 2, Text.Length - 1])
        {
            ArrayBufferWriter<byte> output = new();
            Assert.Equal(RpcDecompressionResult.TooLong, RpcCompression.Decompress(encoding, new(compressed), output, limit));
            Assert.True(output.WrittenCount <= limit);
        }
    }

    [Theory]
    [MemberData(nameof(Encodings))]
    public void Decompress_Bomb_IsRefusedWithoutBeingUnpacked(RpcEncoding encoding)
    {
        byte[] bomb = Compress(encoding, new(new byte[64 * 1024 * 1024]));
        using RpcPooledWriter output = new();
        Refuse(bomb, output);
        output.Dispose();

        long before = GC.GetAllocatedBytesForCurrentThread();
        Refuse(bomb, output);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 256 * 1024);

        void Refuse(byte[] bytes, RpcPooledWriter writer)
        {
            Assert.Equal(RpcDecompressionResult.TooLong, RpcCompression.Decompress(encoding, new(bytes), writer, 100_000));
            Assert.InRange(writer.Length, 0, 100_000);
        }
    }

    [Theory]
    [MemberData(nameof(Encodings))]
    public void Decompress_CutOffAnywhere_IsMalformed(RpcEncoding encoding)
    {
        byte[] compressed = Compress(encoding, new("hello hello hello hello"u8.ToArray()));
        for (int length = 0; length < compressed.Length; length++)
        {
            Assert.Equal(RpcDecompressionResult.Malformed, Decompress(encoding, new(compressed, 0, length), 1000));
        }
    }

    [Theory]
    [MemberData(nameof(Encodings))]
    public void Decompress_BytesBehindTheEnd_AreMalformed(RpcEncoding encoding)
    {
        byte[] compressed = [.. Compress(encoding, new("hello hello"u8.ToArray())), 0x00, 0x01, 0x02];
        Assert.Equal(RpcDecompressionResult.Malformed, Decompress(encoding, new(compressed), 1000));
        Assert.Equal(RpcDecompressionResult.Malformed, Decompress(encoding, Segments.OneByteEach(compressed), 1000));
    }

    [Fact]
    public void Decompress_SnappyThatPromisesMuch_IsMalformedBeforeMemoryIsTaken()
    {
        byte[] promise = [0xff, 0xff, 0xff, 0x01, 0x00, 0x61]; // 4 MiB - 1 in one literal of one byte
        Decompress(RpcEncoding.Snappy, new(promise), 4 << 20);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(RpcDecompressionResult.Malformed, Decompress(RpcEncoding.Snappy, new(promise), 4 << 20));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4096);
        Assert.Equal(RpcDecompressionResult.Malformed, Decompress(RpcEncoding.Snappy, new([0xff, 0xff, 0xff, 0xff, 0xff, 0x01]), 4 << 20));
    }

    [Fact]
    public void Encodings_UnknownOrNotAccepted_AreRefused()
    {
        Assert.Equal(RpcDecompressionResult.Unsupported, Decompress((RpcEncoding)9, new([1]), 10));
        Assert.Equal(RpcDecompressionResult.Unsupported, Decompress(RpcEncoding.None, new([1]), 10));
        Assert.Throws<ArgumentOutOfRangeException>(() => Compress(RpcEncoding.None, default));
        Assert.Equal(RpcEncoding.Brotli, RpcCompression.Choose(RpcEncoding.Brotli, RpcEncodings.All));
        Assert.Equal(RpcEncoding.None, RpcCompression.Choose(RpcEncoding.Brotli, RpcEncodings.Gzip | RpcEncodings.Snappy));
        Assert.Equal(RpcEncoding.None, RpcCompression.Choose((RpcEncoding)9, (RpcEncodings)~0));
    }

    [Fact]
    public void PooledWriter_WhatWasWritten_BecomesAMessage()
    {
        using RpcPooledWriter writer = new();
        byte[] bytes = new byte[100_000];
        new Random(3).NextBytes(bytes);
        for (int at = 0, size = 1; at < bytes.Length; size = (size * 3) + 1)
        {
            int length = Math.Min(size, bytes.Length - at);
            bytes.AsSpan(at, length).CopyTo(writer.GetSpan(length));
            writer.Advance(length);
            at += length;
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => writer.Detach(bytes.Length + 1));
        using RpcPooledMessage message = writer.Detach(1000, isCompressed: true);
        Assert.Equal(bytes[..^1000], message.Message.ToArray());
        Assert.Equal(bytes[^1000..], message.Attachment.ToArray());
        Assert.True(message.IsCompressed);
        Assert.Equal(0, writer.Length);
        using RpcPooledMessage empty = writer.Detach();
        Assert.Equal(0, empty.Length);
        Assert.Throws<InvalidOperationException>(() => writer.Advance(1));
    }

    private static byte[] Compress(RpcEncoding encoding, in ReadOnlySequence<byte> source, CompressionLevel level = CompressionLevel.Fastest)
    {
        ArrayBufferWriter<byte> output = new();
        RpcCompression.Compress(encoding, source, output, level);
        return output.WrittenSpan.ToArray();
    }

    private static byte[] Decompressed(RpcEncoding encoding, in ReadOnlySequence<byte> source, int limit)
    {
        ArrayBufferWriter<byte> output = new();
        Assert.Equal(RpcDecompressionResult.Done, RpcCompression.Decompress(encoding, source, output, limit));
        return output.WrittenSpan.ToArray();
    }

    private static RpcDecompressionResult Decompress(RpcEncoding encoding, in ReadOnlySequence<byte> source, int limit)
    {
        using RpcPooledWriter output = new();
        return RpcCompression.Decompress(encoding, source, output, limit);
    }
}
