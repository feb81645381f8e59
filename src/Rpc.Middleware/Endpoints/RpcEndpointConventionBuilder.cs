using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware;

/// <summary>Adds metadata to a mapped RPC method. Conventions run once, when the host starts; later none can be added.</summary>
public sealed class RpcEndpointConventionBuilder : IEndpointConventionBuilder
{
    private readonly RpcEndpointDefinition _definition;

    internal RpcEndpointConventionBuilder(RpcEndpointDefinition definition) => _definition = definition;

    /// <inheritdoc/>
    public void Add(Action<EndpointBuilder> convention)
    {
        ArgumentNullException.ThrowIfNull(convention);
        _definition.Add(convention);
    }

    /// <inheritdoc/>
    public void Finally(Action<EndpointBuilder> finallyConvention)
    {
        ArgumentNullException.ThrowIfNull(finallyConvention);
        _definition.Finally(finallyConvention);
    }
}
