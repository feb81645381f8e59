using System.Buffers;
using System.IO.Compression;

namespace Kestrel.Rpc.Protocol;

/// <summary>Brotli (RFC 7932), with the framework's encoder and decoder.</summary>
internal static class BrotliCodec
{
    private const int Chunk = 16 * 1024;
    private const int Window = 22; // the framework's default

    public static void Compress(in ReadOnlySequence<byte> source, IBufferWriter<byte> output, CompressionLevel level)
    {
        // The qualities that BrotliStream has for the levels.
        int quality = level switch
        {
            CompressionLevel.NoCompression => 0,
            CompressionLevel.Fastest => 1,
            CompressionLevel.SmallestSize => 11,
            _ => 4,
        };
        BrotliEncoder encoder = new(quality, Window);
        try
        {
            foreach (ReadOnlyMemory<byte> segment in source)
            {
                Feed(ref encoder, segment.Span, output, isFinal: false);
            }

            Feed(ref encoder, default, output, isFinal: true);
        }
        finally
        {
            encoder.Dispose();
        }
    }

    public static RpcDecompressionResult Decompress(in ReadOnlySequence<byte> source, IBufferWriter<byte> output, int maxLength)
    {
        BrotliDecoder decoder = default;
        try
        {
            return Decompress(ref decoder, source, output, maxLength);
        }
        finally
        {
            decoder.Dispose();
        }
    }

    private static void Feed(ref BrotliEncoder encoder, ReadOnlySpan<byte> source, IBufferWriter<byte> output, bool isFinal)
    {
        OperationStatus status;
        do
        {
            status = encoder.Compress(source, output.GetSpan(Chunk), out int consumed, out int written, isFinal);
            output.Advance(written);
            source = source[consumed..];
        }
        while (status == OperationStatus.DestinationTooSmall || !source.IsEmpty);
    }

    private static RpcDecompressionResult Decompress(
        ref BrotliDecoder decoder,
        in ReadOnlySequence<byte> source,
        IBufferWriter<byte> output,
        int maxLength)
    {
        long total = 0;
        long left = source.Length;
        foreach (ReadOnlyMemory<byte> segment in source)
        {
            ReadOnlySpan<byte> span = segment.Span;
            OperationStatus status;
            do
            {
                // One byte more than allowed tells a message that is too long from one that just fits.
                Span<byte> destination = output.GetSpan((int)Math.Min(Chunk, maxLength - total + 1));
                destination = destination[..(int)Math.Min(destination.Length, maxLength - total + 1)];
                status = decoder.Decompress(span, destination, out int consumed, out int written);
                span = span[consumed..];
                left -= consumed;
                total += written;
                if (total > maxLength)
                {
                    return RpcDecompressionResult.TooLong;
                }

                output.Advance(written);
            }
            while (status == OperationStatus.DestinationTooSmall);

            if (status != OperationStatus.NeedMoreData)
            {
                // Done must be the end of the bytes too.
                return status == OperationStatus.Done && left == 0 ? RpcDecompressionResult.Done : RpcDecompressionResult.Malformed;
            }
        }

        return RpcDecompressionResult.Malformed;
    }
}
