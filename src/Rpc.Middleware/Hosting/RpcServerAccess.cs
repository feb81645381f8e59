using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware;

internal static class RpcServerAccess
{
    public static RpcServer GetRpcServer(this IServiceProvider services, string caller) =>
        services.GetService<RpcServer>() ?? throw new InvalidOperationException(
            $"{caller} needs the RPC server. Call builder.Services.AddRpc() before builder.Build().");

    /// <summary>What methods are mapped to: a group, or the server itself.</summary>
    public static RpcGroup GetRpcGroup(this IEndpointRouteBuilder endpoints, string caller)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        return endpoints switch
        {
            RpcGroupBuilder builder => builder.Group,

            // What the group demands, authorization above all, would silently not apply.
            RouteGroupBuilder => throw new InvalidOperationException(
                "RPC methods cannot be mapped in a group of HTTP routes: its prefix and conventions would not apply. Call MapRpc or "
                + "MapRpcGroup on the application itself."),

            _ => endpoints.ServiceProvider.GetRpcServer(caller).Root,
        };
    }
}
