using System.Threading.RateLimiting;
using Kestrel.Rpc.Middleware;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Limits of RPC methods. HTTP's <c>RequireRateLimiting</c> names policies of HTTP requests, and is refused on RPC methods.</summary>
public static class RpcLimitExtensions
{
    /// <summary>Bounds how many calls of a method run at once. Each method has a bound of its own, also if it is set for a group or the server.</summary>
    /// <typeparam name="TBuilder">What it is set for.</typeparam>
    /// <param name="builder">The method, the group, or the server's pipeline. The innermost bound counts.</param>
    /// <param name="maxConcurrentCalls">How many; 1 to 1,000,000.</param>
    /// <param name="atLimit">What becomes of a call at the bound.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is out of range, or there is no such policy.</exception>
    public static TBuilder RequireConcurrency<TBuilder>(this TBuilder builder, int maxConcurrentCalls, RpcLimitPolicy atLimit = RpcLimitPolicy.Reject)
        where TBuilder : IRpcEndpointConventionBuilder =>
        builder.RequireConcurrency(options =>
        {
            options.MaxConcurrentCalls = maxConcurrentCalls;
            options.AtLimit = atLimit;
        });

    /// <summary>Bounds how many calls of a method run at once. Each method has a bound of its own, also if it is set for a group or the server.</summary>
    /// <typeparam name="TBuilder">What it is set for.</typeparam>
    /// <param name="builder">The method, the group, or the server's pipeline. The innermost bound counts.</param>
    /// <param name="configure">Sets the bound.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range, or there is no bound at all.</exception>
    public static TBuilder RequireConcurrency<TBuilder>(this TBuilder builder, Action<RpcConcurrencyOptions> configure)
        where TBuilder : IRpcEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        RpcConcurrencyOptions options = new();
        configure(options);
        List<string> faults = [];
        RpcServerOptionsValidator.CheckConcurrency(faults, "RequireConcurrency", options);
        if (!options.IsLimited)
        {
            faults.Add("RequireConcurrency needs MaxConcurrentCalls or Adaptive.");
        }

        if (faults.Count > 0)
        {
            throw new ArgumentOutOfRangeException(nameof(configure), string.Join(" ", faults));
        }

        builder.Add(endpoint => endpoint.Metadata.Add(new RpcConcurrencyMetadata(options)));
        return builder;
    }

    /// <summary>
    /// Has calls pass a limiter of <c>System.Threading.RateLimiting</c>: a token bucket, a window, a queue. A call beyond it is refused, not processed, with RESOURCE_EXHAUSTED
    /// (<c>SERVER</c> in version 1); one that the limiter queues waits until it is let in, cancelled, or out of time. Its lease is held until the handler has ended. Methods that
    /// are given one limiter share it. All limiters of a method count, in the order server, group, method.
    /// </summary>
    /// <typeparam name="TBuilder">What it is set for.</typeparam>
    /// <param name="builder">The method, the group, or the server's pipeline.</param>
    /// <param name="limiter">The limiter. It is asked on the thread that reads, so its code must not block. The caller disposes of it, after the host.</param>
    public static TBuilder RequireRateLimiter<TBuilder>(this TBuilder builder, RateLimiter limiter)
        where TBuilder : IRpcEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(limiter);
        return builder.RequireGate(RpcRateLimiterGate.Of(limiter));
    }

    /// <summary>
    /// As <see cref="RequireRateLimiter{TBuilder}(TBuilder, RateLimiter)"/>, with a limit for each part that the calls are divided into: by user, by tenant, by what the request says.
    /// </summary>
    /// <typeparam name="TBuilder">What it is set for.</typeparam>
    /// <param name="builder">The method, the group, or the server's pipeline.</param>
    /// <param name="limiter">The limiter. Its code runs for every call, on the thread that reads; an exception fails the call.</param>
    public static TBuilder RequireRateLimiter<TBuilder>(this TBuilder builder, PartitionedRateLimiter<RpcContext> limiter)
        where TBuilder : IRpcEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(limiter);
        return builder.RequireGate(RpcRateLimiterGate.Of(limiter));
    }

    /// <summary>Lets calls past the bound of the server, <see cref="RpcServerLimits.Calls"/>: for what must be answered under overload, as health checks.</summary>
    /// <typeparam name="TBuilder">What it is set for.</typeparam>
    /// <param name="builder">The method, the group, or the server's pipeline.</param>
    public static TBuilder DisableServerConcurrencyLimit<TBuilder>(this TBuilder builder)
        where TBuilder : IRpcEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Add(endpoint => endpoint.Metadata.Add(new RpcUnlimitedMetadata()));
        return builder;
    }

    private static TBuilder RequireGate<TBuilder>(this TBuilder builder, RpcGate gate)
        where TBuilder : IRpcEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Add(endpoint => endpoint.Metadata.Add(new RpcRateLimiterMetadata(gate)));
        return builder;
    }
}
