namespace Kestrel.Rpc.Middleware;

/// <summary>What the name of a method in a REQUEST leads to: a route, or why there is none. Immutable.</summary>
internal sealed class RpcNamedMethod(RpcRoute? route, RpcFault fault)
{
    public RpcRoute? Route => route;

    /// <summary>What every call gets, without a route.</summary>
    public RpcFault Fault => fault;
}
