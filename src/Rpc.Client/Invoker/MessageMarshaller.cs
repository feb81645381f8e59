using Google.Protobuf;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <summary>Serialises any protobuf message, for requests whose type is known as <see cref="IMessage"/> only.</summary>
internal sealed class MessageMarshaller : RpcMarshaller
{
    public static readonly MessageMarshaller Instance = new();

    internal override int Measure(object message) => RpcMessageCodec.CalculateSize((IMessage)message);

    internal override void Write(object message, Span<byte> destination) => RpcMessageCodec.Serialize((IMessage)message, destination);
}
