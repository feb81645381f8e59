using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware;

/// <summary>Methods with something in common: a part of their names, and conventions. The outermost group is the server.</summary>
internal sealed class RpcGroup
{
    private readonly RpcServer _server;
    private readonly RpcGroup? _parent;
    private readonly string _prefix; // with those of the parents: empty, or what stands in front of the name

    public RpcGroup(RpcServer server)
    {
        _server = server;
        _prefix = "";
        Conventions = new RpcConventions("the RPC server");
    }

    private RpcGroup(RpcGroup parent, string prefix)
    {
        _server = parent._server;
        _parent = parent;
        _prefix = Join(parent._prefix, prefix);
        Conventions = new RpcConventions(_prefix.Length == 0 ? "an RPC group" : $"the RPC group '{_prefix}'");
    }

    public IServiceProvider Services => _server.Services;

    /// <summary>Its own conventions.</summary>
    public RpcConventions Conventions { get; }

    /// <param name="prefix">As given to <c>MapRpcGroup</c>; empty for none.</param>
    public RpcGroup CreateGroup(string prefix)
    {
        RpcNames.CheckPrefix(prefix, nameof(prefix));
        return new RpcGroup(this, prefix);
    }

    /// <summary>The whole name of a method of this group.</summary>
    /// <param name="name"><c>service/method</c>, or the method alone if the prefix is the service.</param>
    /// <param name="parameterName">Whose argument it is.</param>
    public RpcMethodName ParseName(string name, string parameterName)
    {
        ArgumentNullException.ThrowIfNull(name, parameterName);
        int slash = name.IndexOf('/', StringComparison.Ordinal);
        string whole = slash switch
        {
            _ when _prefix.Length == 0 || name.Length == 0 => name,
            0 => name, // no service: refused as it stands there
            < 0 => $"{_prefix}/{name}",
            _ => Join(_prefix, name),
        };
        return RpcNames.Parse(whole, parameterName);
    }

    public RpcEndpointDefinition Map(RpcMethodName name, Delegate handler, RpcBoundHandler bound) =>
        Map(name, RpcHandlerMethod.Of(handler), bound, null);

    /// <param name="name">The whole name.</param>
    /// <param name="handler">The C# method behind it.</param>
    /// <param name="bound">What runs.</param>
    /// <param name="service">The conventions of its service; null if there is none.</param>
    public RpcEndpointDefinition Map(RpcMethodName name, RpcHandlerMethod handler, RpcBoundHandler bound, RpcConventions? service) =>
        _server.Map(name, handler, bound, this, service);

    /// <summary>Applies the conventions of the server, of the groups around this one, and its own.</summary>
    public void Apply(EndpointBuilder builder)
    {
        _parent?.Apply(builder);
        Conventions.Apply(builder);
    }

    /// <summary>Applies the last conventions, from this group outwards.</summary>
    public void ApplyFinally(EndpointBuilder builder)
    {
        Conventions.ApplyFinally(builder);
        _parent?.ApplyFinally(builder);
    }

    private static string Join(string outer, string inner) => outer.Length == 0 || inner.Length == 0 ? outer + inner : $"{outer}.{inner}";
}
