using System.Diagnostics.CodeAnalysis;
using Kestrel.Rpc.Middleware;
using Microsoft.AspNetCore.Routing;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps whole services.</summary>
public static class RpcServiceRouteBuilderExtensions
{
    /// <summary>
    /// Maps all methods of a service: a class derived from a base class that was generated from a .proto, or one that implements an interface with
    /// <c>[RpcService]</c>. Its attributes and those of its methods become metadata. A registered class lives as long as it is registered to; one that is
    /// not is made for each call and disposed of after it. No reflection in calls: fit for trimming and Native AOT.
    /// </summary>
    /// <typeparam name="TService">The class.</typeparam>
    /// <param name="endpoints">The application, or a group; the prefix of a group stands in front of the name, with a dot between.</param>
    /// <param name="name">The service as it is called on the wire; null for what its description says.</param>
    /// <returns>For adding filters and metadata to all of its methods, or to one.</returns>
    /// <exception cref="ArgumentException">The name holds a slash or white space, or is empty.</exception>
    /// <exception cref="InvalidOperationException">
    /// The class cannot be made: a service that its constructor takes is not registered; there is no <c>AddRpc</c>; or the host has started already.
    /// </exception>
    public static RpcServiceEndpointConventionBuilder MapRpcService<[DynamicallyAccessedMembers(RpcServiceClass.Members)] TService>(
        this IEndpointRouteBuilder endpoints, string? name = null)
        where TService : class, IRpcService
    {
        RpcGroup group = endpoints.GetRpcGroup("app.MapRpcService<...>()");
        RpcServiceBinder binder = new(
            group, TService.Description, new RpcServiceClass(typeof(TService)), RpcServiceInstances.Of<TService>(group.Services), name);
        TService.Bind(binder);
        return new RpcServiceEndpointConventionBuilder(binder.Conventions, binder.Finish());
    }
}
