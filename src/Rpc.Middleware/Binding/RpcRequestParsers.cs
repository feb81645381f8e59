using System.Buffers;
using Google.Protobuf;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>Request parsers by message type.</summary>
internal static class RpcRequestParsers
{
    public static RpcRequestParser Create<TRequest>()
        where TRequest : class, IMessage<TRequest>, new() => Parse<TRequest>;

    private static object Parse<TRequest>(in ReadOnlySequence<byte> body)
        where TRequest : class, IMessage<TRequest>, new() => RpcMessageCodec.Deserialize<TRequest>(body);
}
