using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware;

internal static class RpcServerAccess
{
    public static RpcServer GetRpcServer(this IServiceProvider services, string caller) =>
        services.GetService<RpcServer>() ?? throw new InvalidOperationException(
            $"{caller} needs the RPC server. Call builder.Services.AddRpc() before builder.Build().");
}
