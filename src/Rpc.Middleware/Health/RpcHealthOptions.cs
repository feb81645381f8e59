using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Kestrel.Rpc.Middleware;

/// <summary>How health checks are answered over RPC. Read by <c>app.MapRpcHealthChecks</c>; later changes have no effect.</summary>
public sealed class RpcHealthOptions
{
    internal Dictionary<string, Func<HealthCheckRegistration, bool>> Services { get; } = new(StringComparer.Ordinal) { [""] = static _ => true };

    /// <summary>
    /// How long a result is used again, so that peers who ask often do not run the checks as often. Default 1 s; zero or more. Checks of one service
    /// never run twice at once, whatever this is.
    /// </summary>
    public TimeSpan CacheDuration { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How often the checks run while somebody watches. Default 5 s; more than zero, at most 49 days.</summary>
    public TimeSpan WatchInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Names a service that peers may ask for, and says which checks it depends on.</summary>
    /// <param name="service">
    /// The name; empty for the server as a whole, which depends on all checks unless this says otherwise. A name given again replaces what was said before.
    /// </param>
    /// <param name="predicate">Chooses among the registered checks, for example by their tags; a service without any is healthy.</param>
    public RpcHealthOptions Map(string service, Func<HealthCheckRegistration, bool> predicate)
    {
        ArgumentNullException.ThrowIfNull(service);
        ArgumentNullException.ThrowIfNull(predicate);
        Services[service] = predicate;
        return this;
    }
}
