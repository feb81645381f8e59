using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware;

/// <summary>Adds metadata and filters to a mapped RPC method.</summary>
public sealed class RpcEndpointConventionBuilder : IRpcEndpointConventionBuilder
{
    private readonly RpcConventions _conventions;

    internal RpcEndpointConventionBuilder(RpcConventions conventions) => _conventions = conventions;

    /// <inheritdoc/>
    public void Add(Action<EndpointBuilder> convention) => _conventions.Add(convention);

    /// <inheritdoc/>
    public void Finally(Action<EndpointBuilder> finallyConvention) => _conventions.Finally(finallyConvention);
}
