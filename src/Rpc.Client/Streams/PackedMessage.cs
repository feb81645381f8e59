using System.Buffers;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <summary>
/// A message of a stream, as compressed as it came. Credit counts it by that length: many that nobody has read yet would be many times as long decompressed. Immutable.
/// </summary>
/// <param name="encoding">How it is compressed, as the server has said.</param>
/// <param name="bytes">The message.</param>
internal sealed class PackedMessage(RpcEncoding encoding, byte[] bytes)
{
    /// <summary>Decompresses and reads it.</summary>
    /// <param name="format">Reads the message.</param>
    /// <param name="maxLength">The longest message, decompressed.</param>
    /// <param name="method">The name, for an exception.</param>
    /// <exception cref="RpcException">It is none, or too long.</exception>
    public T Read<T>(RpcMessageFormat<T> format, int maxLength, RpcMethodName method)
    {
        MessageBuffer plain = new();
        try
        {
            Decompress(encoding, new ReadOnlySequence<byte>(bytes), plain, maxLength, method);
            return format.Read(new ReadOnlySequence<byte>(plain.WrittenMemory));
        }
        finally
        {
            plain.Clear();
        }
    }

    /// <summary>Decompresses a message of a reply.</summary>
    /// <exception cref="RpcException">It is none, or too long.</exception>
    public static void Decompress(RpcEncoding encoding, in ReadOnlySequence<byte> message, MessageBuffer plain, int maxLength, RpcMethodName method)
    {
        RpcDecompressionResult result = RpcCompression.Decompress(encoding, message, plain, maxLength);
        if (result != RpcDecompressionResult.Done)
        {
            throw new RpcException(result.ToStatusCode(isReply: true), $"A message of the reply to {method} could not be decompressed: {result}.");
        }
    }
}
