using System.Reflection;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Refuses end points whose metadata demands something that only HTTP middleware enforces: HTTP middleware never sees a call,
/// so they would be served with less than they demand.
/// </summary>
internal static class RpcEndpointDemands
{
    public static void ThrowIfNotEnforced(RpcMethodName name, Delegate handler, EndpointBuilder builder, IServiceProvider services)
    {
        foreach (object item in builder.Metadata)
        {
            if (Demand(item) is { } demand)
            {
                throw NotEnforced(name, demand);
            }
        }

        if (builder.FilterFactories.Count > 0)
        {
            throw NotEnforced(name, "an end point filter");
        }

        // An attribute of the class does not become metadata, but whoever wrote it there meant its methods: also those it
        // inherits, and the lambdas within them, which are methods of a nested class.
        ThrowIfGuarded(name, handler.Method.DeclaringType);
        ThrowIfGuarded(name, handler.Target?.GetType());

        if (services.GetService<IOptions<AuthorizationOptions>>()?.Value.FallbackPolicy is not null
            && !builder.Metadata.Any(item => item is IAllowAnonymous))
        {
            throw NotEnforced(name, "authorization (the application's FallbackPolicy, which AllowAnonymous() would lift)");
        }
    }

    private static void ThrowIfGuarded(RpcMethodName name, Type? type)
    {
        for (; type is not null; type = type.DeclaringType)
        {
            if (type.GetCustomAttributes().Any(IsAuthorization))
            {
                throw NotEnforced(name, $"authorization (an attribute of {type.Name})");
            }
        }
    }

    private static string? Demand(object metadata) => metadata switch
    {
        _ when IsAuthorization(metadata) => "authorization",
        EnableRateLimitingAttribute => "a rate limit",
        RequestTimeoutAttribute or RequestTimeoutPolicy => "a request time-out",
        IHostMetadata { Hosts.Count: > 0 } => "certain host names",
        IRequestSizeLimitMetadata { MaxRequestBodySize: not null } => "a request size limit",
        _ => null,
    };

    private static bool IsAuthorization(object metadata) =>
        metadata is IAuthorizeData or AuthorizationPolicy or IAuthorizationRequirementData or IAuthorizationRequirement;

    private static InvalidOperationException NotEnforced(RpcMethodName name, string demand) => new(
        $"The RPC method '{name}' demands {demand}, which is not enforced for RPC calls yet, so it is not served at all. Remove the "
        + "demand from the end point, or serve it over HTTP instead.");
}
