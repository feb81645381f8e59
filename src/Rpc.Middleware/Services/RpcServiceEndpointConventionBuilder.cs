using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Adds metadata and filters to all methods of a mapped service. They come behind those of the groups around it and before those of its methods;
/// where only one counts, the innermost does.
/// </summary>
public sealed class RpcServiceEndpointConventionBuilder : IRpcEndpointConventionBuilder
{
    private readonly RpcConventions _conventions;
    private readonly IReadOnlyDictionary<string, RpcEndpointDefinition> _methods;

    internal RpcServiceEndpointConventionBuilder(RpcConventions conventions, IReadOnlyDictionary<string, RpcEndpointDefinition> methods)
    {
        _conventions = conventions;
        _methods = methods;
    }

    /// <inheritdoc/>
    public void Add(Action<EndpointBuilder> convention) => _conventions.Add(convention);

    /// <inheritdoc/>
    public void Finally(Action<EndpointBuilder> finallyConvention) => _conventions.Finally(finallyConvention);

    /// <summary>One of its methods, to add metadata and filters to it alone.</summary>
    /// <param name="name">The method as it is called on the wire, without the service.</param>
    /// <returns>For adding them.</returns>
    /// <exception cref="ArgumentException">The service has no such method.</exception>
    public RpcEndpointConventionBuilder Method(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return _methods.TryGetValue(name, out RpcEndpointDefinition? definition)
            ? new RpcEndpointConventionBuilder(definition.Conventions)
            : throw new ArgumentException($"The service has no method '{RpcNames.ForLog(name)}'. It has: {string.Join(", ", _methods.Keys)}.", nameof(name));
    }
}
