using System.Buffers;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>Decompresses requests. Any thread.</summary>
internal static class RpcRequestDecoding
{
    /// <summary>What a caller is told whose encoding is not known.</summary>
    public static RpcFault Unknown(RpcEncoding encoding) => RpcFault.Of(
        RpcStatusCode.Unimplemented,
        $"The encoding {(int)encoding} is not known. This server reads gzip ({(int)RpcEncoding.Gzip}), brotli ({(int)RpcEncoding.Brotli}) "
        + $"and snappy ({(int)RpcEncoding.Snappy}).");

    /// <summary>Decompresses a message.</summary>
    /// <param name="encoding">How it is compressed.</param>
    /// <param name="source">The message without its attachment.</param>
    /// <param name="maxLength">The longest message, decompressed.</param>
    /// <returns>The message; to be disposed.</returns>
    /// <exception cref="RpcException">It is too long, or its bytes are not of that encoding.</exception>
    public static RpcPooledMessage Decompress(RpcEncoding encoding, in ReadOnlySequence<byte> source, int maxLength)
    {
        using RpcPooledWriter writer = new();
        RpcDecompressionResult result = RpcCompression.Decompress(encoding, source, writer, maxLength);
        return result switch
        {
            RpcDecompressionResult.Done => writer.Detach(),
            RpcDecompressionResult.TooLong => throw new RpcException(
                RpcStatusCode.ResourceExhausted, $"A request is longer than {maxLength} bytes when it is decompressed."),
            RpcDecompressionResult.Malformed => throw new RpcException(RpcStatusCode.InvalidArgument, $"A request is no valid {encoding}."),
            _ => throw new RpcException(Unknown(encoding).Status),
        };
    }
}
