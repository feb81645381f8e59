using System.Buffers;
using System.IO.Compression;

namespace Kestrel.Rpc.Protocol;

/// <summary>Compresses and decompresses whole messages of version 2. Stateless; safe to call from any thread.</summary>
public static class RpcCompression
{
    /// <summary>Whether an encoding is one that this library knows.</summary>
    /// <param name="encoding">The encoding.</param>
    /// <returns>Whether it is; not for <see cref="RpcEncoding.None"/>.</returns>
    public static bool IsSupported(RpcEncoding encoding) => encoding is RpcEncoding.Gzip or RpcEncoding.Brotli or RpcEncoding.Snappy;

    /// <summary>Chooses an encoding that the receiver accepts.</summary>
    /// <param name="wanted">The encoding that the sender prefers.</param>
    /// <param name="accepted">What the receiver accepts.</param>
    /// <returns>The preferred one if it is accepted, otherwise <see cref="RpcEncoding.None"/>: do not compress.</returns>
    public static RpcEncoding Choose(RpcEncoding wanted, RpcEncodings accepted) =>
        IsSupported(wanted) && accepted.HasFlag((RpcEncodings)(1 << (int)wanted)) ? wanted : RpcEncoding.None;

    /// <summary>Compresses a message.</summary>
    /// <param name="encoding">How.</param>
    /// <param name="source">The message, without its attachment.</param>
    /// <param name="output">Where it goes.</param>
    /// <param name="level">How much effort; Snappy knows one only. Default <see cref="CompressionLevel.Fastest"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">The encoding is not known.</exception>
    public static void Compress(
        RpcEncoding encoding,
        in ReadOnlySequence<byte> source,
        IBufferWriter<byte> output,
        CompressionLevel level = CompressionLevel.Fastest)
    {
        ArgumentNullException.ThrowIfNull(output);
        switch (encoding)
        {
            case RpcEncoding.Gzip:
                GzipCodec.Compress(source, output, level);
                break;
            case RpcEncoding.Brotli:
                BrotliCodec.Compress(source, output, level);
                break;
            case RpcEncoding.Snappy:
                SnappyCodec.Compress(source, output);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(encoding), encoding, "No such encoding.");
        }
    }

    /// <summary>Decompresses a message. Never throws, whatever the bytes are.</summary>
    /// <param name="encoding">How it is encoded.</param>
    /// <param name="source">The compressed message, without its attachment.</param>
    /// <param name="output">Where it goes. Unless the result is <see cref="RpcDecompressionResult.Done"/> a part of the message may be there.</param>
    /// <param name="maxLength">The longest message accepted, in bytes. No more than that is written.</param>
    /// <returns>What came of it.</returns>
    public static RpcDecompressionResult Decompress(
        RpcEncoding encoding,
        in ReadOnlySequence<byte> source,
        IBufferWriter<byte> output,
        int maxLength)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentOutOfRangeException.ThrowIfNegative(maxLength);
        if (!IsSupported(encoding))
        {
            return RpcDecompressionResult.Unsupported;
        }

        if (source.IsEmpty)
        {
            // No encoding makes nothing out of something, not even out of nothing.
            return RpcDecompressionResult.Malformed;
        }

        return encoding switch
        {
            RpcEncoding.Gzip => GzipCodec.Decompress(source, output, maxLength),
            RpcEncoding.Brotli => BrotliCodec.Decompress(source, output, maxLength),
            _ => SnappyCodec.Decompress(source, output, maxLength),
        };
    }
}
