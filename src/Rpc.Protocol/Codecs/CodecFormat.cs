using System.Buffers;

namespace Kestrel.Rpc.Protocol;

/// <summary>Messages by a codec, which may be the application's and throws what it likes.</summary>
internal sealed class CodecFormat<T>(IRpcCodec<T> codec) : RpcMessageFormat<T>
{
    public override RpcMessageKind Kind => codec is JsonCodec<T> ? RpcMessageKind.Json : RpcMessageKind.Other;

    public override IRpcCodec<T> Codec => codec;

    public override int Measure(object? message)
    {
        T typed = message is T its ? its : throw new RpcException(
            RpcErrorCode.Serialization,
            message is null ? "There is no message to serialise." : $"A {message.GetType().Name} is no {typeof(T).Name}.");
        try
        {
            int size = codec.GetSize(typed);
            return size >= 0 ? size : throw new InvalidOperationException($"The codec says that it takes {size} bytes.");
        }
        catch (Exception exception) when (exception is not RpcException)
        {
            // A codec of the application throws what it likes.
            throw CannotSerialize(exception);
        }
    }

    public override void Write(object message, Span<byte> destination)
    {
        try
        {
            codec.Serialize((T)message, destination);
        }
        catch (Exception exception) when (exception is not RpcException)
        {
            // As above.
            throw CannotSerialize(exception);
        }
    }

    public override T Read(in ReadOnlySequence<byte> source)
    {
        try
        {
            return codec.Deserialize(source);
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
