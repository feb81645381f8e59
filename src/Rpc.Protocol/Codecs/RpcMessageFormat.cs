using Google.Protobuf;

namespace Kestrel.Rpc.Protocol;

/// <summary>
/// Serialises messages of a type that its user does not know. Whatever a message's own code or the application's codec throws becomes an
/// <see cref="RpcException"/>, so that it fails its call and nothing else. Any thread.
/// </summary>
internal abstract class RpcMessageFormat
{
    /// <summary>Of every protobuf message, where it does not matter which.</summary>
    public static RpcMessageFormat AnyMessage { get; } = new AnyMessageFormat();

    /// <summary>What the bytes are.</summary>
    public abstract RpcMessageKind Kind { get; }

    /// <summary>Bytes of a message. <see cref="Write"/> follows on the same thread.</summary>
    /// <exception cref="RpcException">It cannot be serialised.</exception>
    public abstract int Measure(object? message);

    /// <summary>Writes a message into exactly as many bytes as it was measured to have.</summary>
    /// <exception cref="RpcException">It cannot be serialised.</exception>
    public abstract void Write(object message, Span<byte> destination);

    private sealed class AnyMessageFormat : RpcMessageFormat
    {
        public override RpcMessageKind Kind => RpcMessageKind.Protobuf;

        public override int Measure(object? message) => RpcMessageCodec.CalculateSize(message as IMessage ?? ThrowUnlessNull(message));

        public override void Write(object message, Span<byte> destination) => RpcMessageCodec.Serialize((IMessage)message, destination);

        private static IMessage? ThrowUnlessNull(object? message) => message is null ? null : throw new RpcException(
            RpcErrorCode.Serialization, $"A {message.GetType().Name} is no protobuf message.");
    }
}
