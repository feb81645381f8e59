using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;

namespace Kestrel.Rpc.Protocol;

/// <summary>
/// gzip (RFC 1952), one member, with the framework's stream. That stream checks the CRC where it finds one, but does not miss a trailer, nor
/// mind what follows it, so the length at the very end is compared here.
/// </summary>
internal static class GzipCodec
{
    private const int Chunk = 16 * 1024;
    private const int ShortestMember = 18;

    // The stream writes nothing for nothing.
    private static ReadOnlySpan<byte> EmptyMember =>
    [
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, // magic, deflate, no flags, no time, no system
        0x03, 0x00, // the last block, empty
        0x00, 0x00, 0x00, 0x00, // CRC
        0x00, 0x00, 0x00, 0x00, // length
    ];

    public static void Compress(in ReadOnlySequence<byte> source, IBufferWriter<byte> output, CompressionLevel level)
    {
        if (source.IsEmpty)
        {
            output.Write(EmptyMember);
            return;
        }

        using GZipStream gzip = new(new BufferWriterStream(output), level);
        foreach (ReadOnlyMemory<byte> segment in source)
        {
            gzip.Write(segment.Span);
        }
    }

    public static RpcDecompressionResult Decompress(in ReadOnlySequence<byte> source, IBufferWriter<byte> output, int maxLength)
    {
        if (source.Length < ShortestMember)
        {
            return RpcDecompressionResult.Malformed;
        }

        using GZipStream gzip = new(new SequenceStream(source), CompressionMode.Decompress);
        long total = 0;
        try
        {
            while (true)
            {
                // One byte more than allowed tells a message that is too long from one that just fits.
                Span<byte> span = output.GetSpan((int)Math.Min(Chunk, maxLength - total + 1));
                int read = gzip.Read(span[..(int)Math.Min(span.Length, maxLength - total + 1)]);
                total += read;
                if (total > maxLength)
                {
                    return RpcDecompressionResult.TooLong;
                }

                if (read == 0)
                {
                    return total == LengthAtTheEnd(source) ? RpcDecompressionResult.Done : RpcDecompressionResult.Malformed;
                }

                output.Advance(read);
            }
        }
        catch (InvalidDataException)
        {
            // The only way the stream tells of malformed data.
            return RpcDecompressionResult.Malformed;
        }
    }

    private static uint LengthAtTheEnd(in ReadOnlySequence<byte> source)
    {
        Span<byte> length = stackalloc byte[sizeof(uint)];
        source.Slice(source.Length - sizeof(uint)).CopyTo(length);
        return BinaryPrimitives.ReadUInt32LittleEndian(length);
    }
}
