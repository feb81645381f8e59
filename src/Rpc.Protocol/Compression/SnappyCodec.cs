using System.Buffers;
using IronSnappy;

namespace Kestrel.Rpc.Protocol;

/// <summary>
/// The block format of Snappy (google/snappy, format_description.txt): a varint with the length, then literals and copies. Blocks are coded
/// in one piece, so a message in many segments is gathered first.
/// </summary>
internal static class SnappyCodec
{
    // The densest element is a copy of 64 bytes in 3. A block that promises more than its bytes can hold is refused before memory is taken.
    private const int BytesOfDensestCopy = 3;
    private const int LongestCopy = 64;

    public static void Compress(in ReadOnlySequence<byte> source, IBufferWriter<byte> output)
    {
        using RpcHeaderBytes bytes = new(source);
        output.Write(Snappy.Encode(bytes.Span));
    }

    public static RpcDecompressionResult Decompress(in ReadOnlySequence<byte> source, IBufferWriter<byte> output, int maxLength)
    {
        using RpcHeaderBytes bytes = new(source);
        ReadOnlySpan<byte> rest = bytes.Span;
        if (!RpcVarint.TryRead(ref rest, out ulong length) || length > uint.MaxValue)
        {
            return RpcDecompressionResult.Malformed;
        }

        if (length > (ulong)maxLength)
        {
            return RpcDecompressionResult.TooLong;
        }

        if (length > (ulong)rest.Length * LongestCopy / BytesOfDensestCopy)
        {
            return RpcDecompressionResult.Malformed;
        }

        if (length == 0)
        {
            return rest.IsEmpty ? RpcDecompressionResult.Done : RpcDecompressionResult.Malformed;
        }

        try
        {
            byte[] decoded = Snappy.Decode(bytes.Span);
            if (decoded.Length != (int)length)
            {
                return RpcDecompressionResult.Malformed;
            }

            output.Write(decoded);
            return RpcDecompressionResult.Done;
        }
        catch (IOException)
        {
            // The only way the decoder tells of malformed data.
            return RpcDecompressionResult.Malformed;
        }
    }
}
