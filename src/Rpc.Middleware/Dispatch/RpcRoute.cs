using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>One name with the end point that answers to it. Immutable.</summary>
internal sealed class RpcRoute(RpcMethodName name, RpcEndpoint endpoint)
{
    public RpcMethodName Name => name;

    public RpcEndpoint Endpoint => endpoint;

    /// <summary>The protocol data of replies: always in our own spelling, whatever the request's was.</summary>
    public ReadOnlyMemory<byte> ReplyProtocolData { get; } = name.ProtocolData;
}
