using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>Metadata of a route: which name of which method it serves.</summary>
/// <param name="Method">The method.</param>
/// <param name="Name">The name.</param>
internal sealed record RpcHttpRoute(RpcHttpMethod Method, RpcMethodName Name)
{
    /// <summary>Whether it is the name that the method was mapped with, and no further one.</summary>
    public bool IsMain => Name == Method.Endpoint.Name;
}
