using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.AspNetCore.Routing;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Refuses end points whose metadata demands something that only HTTP middleware enforces: HTTP middleware never sees a call,
/// so they would be served with less than they demand. Authorization is not among it: <see cref="RpcAuthorization"/> enforces that.
/// </summary>
internal static class RpcEndpointDemands
{
    public static void ThrowIfNotEnforced(RpcMethodName name, EndpointBuilder builder)
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
    }

    private static string? Demand(object metadata) => metadata switch
    {
        EnableRateLimitingAttribute => "a rate limit",
        RequestTimeoutAttribute or RequestTimeoutPolicy => "a request time-out",
        IHostMetadata { Hosts.Count: > 0 } => "certain host names",
        IRequestSizeLimitMetadata { MaxRequestBodySize: not null } => "a request size limit",
        _ => null,
    };

    private static InvalidOperationException NotEnforced(RpcMethodName name, string demand) => new(
        $"The RPC method '{name}' demands {demand}, which is not enforced for RPC calls yet, so it is not served at all. Remove the "
        + "demand from the end point, or serve it over HTTP instead.");
}
