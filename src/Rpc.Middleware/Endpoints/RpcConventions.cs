using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware;

/// <summary>The conventions of one level: the server, a group or a method. Used by the thread that builds the application.</summary>
/// <param name="owner">What they belong to, for messages.</param>
internal sealed class RpcConventions(string owner)
{
    private readonly List<Action<EndpointBuilder>> _conventions = [];
    private readonly List<Action<EndpointBuilder>> _finallyConventions = [];
    private bool _isFrozen;

    public void Add(Action<EndpointBuilder> convention)
    {
        ArgumentNullException.ThrowIfNull(convention);
        ThrowIfFrozen();
        _conventions.Add(convention);
    }

    public void Finally(Action<EndpointBuilder> finallyConvention)
    {
        ArgumentNullException.ThrowIfNull(finallyConvention);
        ThrowIfFrozen();
        _finallyConventions.Add(finallyConvention);
    }

    /// <summary>Changes an end point. From the first one on, no convention can be added.</summary>
    public void Apply(EndpointBuilder builder)
    {
        _isFrozen = true;
        foreach (Action<EndpointBuilder> convention in _conventions)
        {
            convention(builder);
        }
    }

    /// <summary>Changes an end point that has all other conventions.</summary>
    public void ApplyFinally(EndpointBuilder builder)
    {
        for (int i = _finallyConventions.Count - 1; i >= 0; i--)
        {
            _finallyConventions[i](builder);
        }
    }

    // What comes too late would be dropped in silence, authorization above all.
    private void ThrowIfFrozen()
    {
        if (_isFrozen)
        {
            throw new InvalidOperationException($"A convention was added to {owner} after the host had started. Add it before app.Run().");
        }
    }
}
