using System.Buffers;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <summary>
/// How messages of one type become bytes and bytes messages. Protobuf has <see cref="RpcMarshaller.Protobuf{T}"/>; derive from this
/// class for another format. The methods are called from any thread, several at once, and not to keep what they are given.
/// </summary>
/// <typeparam name="T">The message.</typeparam>
public abstract class RpcMarshaller<T> : RpcMarshaller
{
    /// <summary>Says how many bytes <see cref="Serialize"/> will write. Called right before it, and perhaps more than once.</summary>
    /// <param name="message">The message.</param>
    /// <returns>Bytes, exactly; not negative.</returns>
    public abstract int GetSize(T message);

    /// <summary>Writes a message.</summary>
    /// <param name="message">The message.</param>
    /// <param name="destination">As many bytes as <see cref="GetSize"/> said; all of them are sent.</param>
    public abstract void Serialize(T message, Span<byte> destination);

    /// <summary>Reads a message.</summary>
    /// <param name="source">The bytes, all of them the message's. Valid during the call alone.</param>
    /// <returns>The message.</returns>
    public abstract T Deserialize(in ReadOnlySequence<byte> source);

    internal sealed override int Measure(object message)
    {
        try
        {
            int size = GetSize((T)message);
            return size >= 0 ? size : throw new InvalidOperationException($"The marshaller says that it takes {size} bytes.");
        }
        catch (Exception exception) when (exception is not RpcException)
        {
            // A marshaller of the user throws what it likes.
            throw CannotSerialize(exception);
        }
    }

    internal sealed override void Write(object message, Span<byte> destination)
    {
        try
        {
            Serialize((T)message, destination);
        }
        catch (Exception exception) when (exception is not RpcException)
        {
            // As above.
            throw CannotSerialize(exception);
        }
    }

    /// <summary>Reads a message; whatever the marshaller throws becomes an <see cref="RpcException"/>.</summary>
    internal T Read(in ReadOnlySequence<byte> source)
    {
        try
        {
            return Deserialize(source);
        }
        catch (Exception exception) when (exception is not RpcException)
        {
            // As above.
            throw new RpcException(RpcErrorCode.Deserialization, $"The body is not a {typeof(T).Name}: {exception.Message}", exception);
        }
    }

    private static RpcException CannotSerialize(Exception exception) =>
        new(RpcErrorCode.Serialization, $"A {typeof(T).Name} could not be serialised: {exception.Message}", exception);
}
