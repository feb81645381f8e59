using Kestrel.Rpc.Middleware;
using Kestrel.Rpc.Middleware.Health;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Answers health checks over RPC.</summary>
public static class RpcHealthRouteBuilderExtensions
{
    /// <summary>
    /// Maps <c>grpc.health.v1.Health/Check</c> and <c>grpc.health.v1.Health/Watch</c>, whose messages are those of gRPC's health checking protocol
    /// (grpc/grpc, doc/health-checking.md), to the checks of <c>AddHealthChecks()</c>. Healthy and degraded are SERVING, unhealthy is NOT_SERVING, and so is
    /// everything from the moment the host stops. A service that <see cref="RpcHealthOptions.Map"/> has not named is NOT_FOUND for Check and
    /// SERVICE_UNKNOWN for Watch. <c>app.MapHealthChecks</c> answers the same checks over HTTP, on the same port if one wants.
    /// </summary>
    /// <param name="endpoints">The application; or a group without a prefix, whose conventions both methods get.</param>
    /// <param name="configure">Changes the options; may be <see langword="null"/>.</param>
    /// <returns>For adding conventions to both methods.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
    /// <exception cref="InvalidOperationException">There is no <c>AddRpc</c> or no <c>AddHealthChecks</c>, or the host has started already.</exception>
    public static RpcGroupBuilder MapRpcHealthChecks(this IEndpointRouteBuilder endpoints, Action<RpcHealthOptions>? configure = null)
    {
        RpcGroupBuilder methods = endpoints.MapRpcGroup("grpc.health.v1.Health");
        IServiceProvider services = endpoints.ServiceProvider;
        HealthCheckService checks = services.GetService<HealthCheckService>() ?? throw new InvalidOperationException(
            "app.MapRpcHealthChecks(...) needs health checks. Call builder.Services.AddHealthChecks() before builder.Build().");
        RpcHealthOptions options = new();
        configure?.Invoke(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.CacheDuration, TimeSpan.Zero, "RpcHealthOptions.CacheDuration");
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.WatchInterval, TimeSpan.Zero, "RpcHealthOptions.WatchInterval");
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.WatchInterval, SniffTimer.Longest, "RpcHealthOptions.WatchInterval");
        RpcHealth health = new(checks, options, services.GetRpcServer("app.MapRpcHealthChecks(...)"));
        methods.MapRpc<HealthCheckRequest, HealthCheckResponse>("Check", health.CheckAsync);
        methods.MapRpcServerStream<HealthCheckRequest, HealthCheckResponse>("Watch", health.WatchAsync);
        return methods;
    }
}
