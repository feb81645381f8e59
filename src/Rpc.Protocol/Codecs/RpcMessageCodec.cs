using System.Buffers;
using Google.Protobuf;

namespace Kestrel.Rpc.Protocol;

/// <summary>Turns protobuf messages into bytes and back. No reflection: fit for trimming and Native AOT.</summary>
public static class RpcMessageCodec
{
    /// <summary>Bytes that a message takes on the wire.</summary>
    /// <param name="message">The message.</param>
    /// <returns>The size.</returns>
    /// <exception cref="RpcException"><see cref="RpcErrorCode.Serialization"/>: there is no message, or it cannot be measured.</exception>
    public static int CalculateSize(IMessage? message)
    {
        if (message is null)
        {
            throw new RpcException(RpcErrorCode.Serialization, "There is no message to serialise.");
        }

        try
        {
            return message.CalculateSize();
        }
        catch (Exception exception)
        {
            // Generated code throws what it likes when a message is changed meanwhile.
            throw CannotSerialize(message, exception);
        }
    }

    /// <summary>Writes a message. Advances the output once, or not at all.</summary>
    /// <param name="message">The message.</param>
    /// <param name="output">Where it goes.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="RpcException"><see cref="RpcErrorCode.Serialization"/>: the message cannot be serialised.</exception>
    public static int Serialize(IMessage? message, IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(output);
        int size = CalculateSize(message);
        Serialize(message!, output.GetSpan(size)[..size]);
        output.Advance(size);
        return size;
    }

    /// <summary>Writes a message into a span of exactly its size.</summary>
    /// <param name="message">The message.</param>
    /// <param name="destination">As many bytes as <see cref="CalculateSize"/> said.</param>
    /// <exception cref="RpcException"><see cref="RpcErrorCode.Serialization"/>: the message does not have that size (any more).</exception>
    public static void Serialize(IMessage message, Span<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(message);
        try
        {
            message.WriteTo(destination);
        }
        catch (Exception exception)
        {
            // Generated code throws what it likes when a message is changed meanwhile.
            throw CannotSerialize(message, exception);
        }
    }

    /// <summary>Reads a message. The bytes are not needed afterwards: the message holds copies.</summary>
    /// <typeparam name="TMessage">The message.</typeparam>
    /// <param name="source">The bytes, all of them belonging to the message.</param>
    /// <returns>The message.</returns>
    /// <exception cref="RpcException"><see cref="RpcErrorCode.Deserialization"/>: the bytes are not such a message.</exception>
    public static TMessage Deserialize<TMessage>(in ReadOnlySequence<byte> source)
        where TMessage : IMessage<TMessage>, new()
    {
        TMessage message = Template<TMessage>.Empty.Clone();
        try
        {
            // A span is read faster than a sequence.
            if (source.IsSingleSegment)
            {
                message.MergeFrom(source.FirstSpan);
            }
            else
            {
                message.MergeFrom(source);
            }
        }
        catch (InvalidProtocolBufferException exception)
        {
            throw new RpcException(RpcErrorCode.Deserialization, $"The body is not a {typeof(TMessage).Name}: {exception.Message}", exception);
        }

        return message;
    }

    private static RpcException CannotSerialize(IMessage message, Exception exception) =>
        new(RpcErrorCode.Serialization, $"A {message.GetType().Name} could not be serialised: {exception.Message}", exception);

    // "new TMessage()" asks the runtime each time in code that is shared by types; a copy of an empty message is made by the message's own code.
    private static class Template<TMessage>
        where TMessage : IMessage<TMessage>, new()
    {
        public static readonly TMessage Empty = new();
    }
}
