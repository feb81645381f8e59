using System.Buffers;
using Google.Protobuf;

namespace Kestrel.Rpc.Protocol;

/// <summary>Protobuf messages of one type.</summary>
internal sealed class ProtobufFormat<T> : RpcMessageFormat<T>, IRpcCodec<T>
    where T : IMessage<T>, new()
{
    public static readonly ProtobufFormat<T> Instance = new();

    public override RpcMessageKind Kind => RpcMessageKind.Protobuf;

    public override IRpcCodec<T> Codec => this;

    public int GetSize(T message) => RpcMessageCodec.CalculateSize(message);

    public void Serialize(T message, Span<byte> destination) => RpcMessageCodec.Serialize(message, destination);

    public T Deserialize(in ReadOnlySequence<byte> source) => RpcMessageCodec.Deserialize<T>(source);

    public override int Measure(object? message) => AnyMessage.Measure(message);

    public override void Write(object message, Span<byte> destination) => RpcMessageCodec.Serialize((IMessage)message, destination);

    public override T Read(in ReadOnlySequence<byte> source) => RpcMessageCodec.Deserialize<T>(source);
}
