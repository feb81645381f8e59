using System.Buffers;

namespace Kestrel.Rpc.Protocol;

/// <summary>
/// How messages of one type become bytes and bytes messages. Protobuf and JSON are at <see cref="RpcCodec"/>; implement it for another
/// format. Called from any thread, several at once; it does not keep what it is given.
/// </summary>
/// <typeparam name="T">The message.</typeparam>
public interface IRpcCodec<T>
{
    /// <summary>Says how many bytes <see cref="Serialize"/> will write. Perhaps called more than once, and perhaps for the length alone.</summary>
    /// <param name="message">The message.</param>
    /// <returns>Bytes, exactly; not negative.</returns>
    int GetSize(T message);

    /// <summary>Writes a message. Always called right after <see cref="GetSize"/> for the same message, on the same thread.</summary>
    /// <param name="message">The message.</param>
    /// <param name="destination">As many bytes as <see cref="GetSize"/> said; all of them are sent.</param>
    void Serialize(T message, Span<byte> destination);

    /// <summary>Reads a message.</summary>
    /// <param name="source">The bytes, all of them the message's. Valid during the call alone.</param>
    /// <returns>The message.</returns>
    T Deserialize(in ReadOnlySequence<byte> source);
}
