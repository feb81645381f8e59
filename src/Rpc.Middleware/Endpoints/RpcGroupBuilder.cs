using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// RPC methods with conventions in common; made by <c>MapRpcGroup</c>. What maps RPC methods to the application maps them to the
/// group, too. Its conventions hold for all of its methods, whichever came first, and run before those of the methods and of groups
/// within. HTTP routes have no place in it.
/// </summary>
public sealed class RpcGroupBuilder : IRpcEndpointConventionBuilder, IEndpointRouteBuilder
{
    internal RpcGroupBuilder(RpcGroup group) => Group = group;

    internal RpcGroup Group { get; }

    IServiceProvider IEndpointRouteBuilder.ServiceProvider => Group.Services;

    ICollection<EndpointDataSource> IEndpointRouteBuilder.DataSources => throw NotForHttp();

    /// <inheritdoc/>
    public void Add(Action<EndpointBuilder> convention) => Group.Conventions.Add(convention);

    /// <inheritdoc/>
    public void Finally(Action<EndpointBuilder> finallyConvention) => Group.Conventions.Finally(finallyConvention);

    IApplicationBuilder IEndpointRouteBuilder.CreateApplicationBuilder() => throw NotForHttp();

    private static InvalidOperationException NotForHttp() => new(
        "HTTP routes cannot be mapped in a group of RPC methods: its prefix and conventions would not apply. Map them on the application itself.");
}
