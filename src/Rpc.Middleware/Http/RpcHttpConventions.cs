using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware;

/// <summary>Conventions of the routes of one <c>MapRpcHttp</c>. Used by the thread that builds the application.</summary>
internal sealed class RpcHttpConventions : IEndpointConventionBuilder
{
    private readonly List<Action<EndpointBuilder>> _conventions = [];
    private readonly List<Action<EndpointBuilder>> _finallyConventions = [];

    public void Add(Action<EndpointBuilder> convention)
    {
        ArgumentNullException.ThrowIfNull(convention);
        _conventions.Add(convention);
    }

    public void Finally(Action<EndpointBuilder> finallyConvention)
    {
        ArgumentNullException.ThrowIfNull(finallyConvention);
        _finallyConventions.Add(finallyConvention);
    }

    public void Apply(EndpointBuilder builder)
    {
        foreach (Action<EndpointBuilder> convention in _conventions)
        {
            convention(builder);
        }
    }

    public void ApplyFinally(EndpointBuilder builder)
    {
        for (int i = _finallyConventions.Count - 1; i >= 0; i--)
        {
            _finallyConventions[i](builder);
        }
    }
}
