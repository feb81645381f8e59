using System.Buffers;
using Google.Protobuf;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <summary>How messages of one type become bytes and bytes messages; this base knows the bytes alone. Derive from <see cref="RpcMarshaller{T}"/>.</summary>
public abstract class RpcMarshaller
{
    private protected RpcMarshaller()
    {
    }

    /// <summary>The marshaller of a protobuf message. No reflection: fit for trimming and Native AOT.</summary>
    /// <typeparam name="T">The message.</typeparam>
    /// <returns>The same object each time.</returns>
    public static RpcMarshaller<T> Protobuf<T>()
        where T : IMessage<T>, new() => ProtobufMarshaller<T>.Instance;

    /// <summary>Bytes of a message.</summary>
    /// <exception cref="RpcException">It cannot be serialised, whatever the marshaller threw.</exception>
    internal abstract int Measure(object message);

    /// <summary>Writes a message into exactly as many bytes as it was measured to have.</summary>
    /// <exception cref="RpcException">It cannot be serialised, whatever the marshaller threw.</exception>
    internal abstract void Write(object message, Span<byte> destination);

    private sealed class ProtobufMarshaller<T> : RpcMarshaller<T>
        where T : IMessage<T>, new()
    {
        public static readonly ProtobufMarshaller<T> Instance = new();

        public override int GetSize(T message) => RpcMessageCodec.CalculateSize(message);

        public override void Serialize(T message, Span<byte> destination) => RpcMessageCodec.Serialize(message, destination);

        public override T Deserialize(in ReadOnlySequence<byte> source) => RpcMessageCodec.Deserialize<T>(source);
    }
}
