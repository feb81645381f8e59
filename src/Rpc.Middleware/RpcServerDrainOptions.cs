namespace Kestrel.Rpc.Middleware;

/// <summary>How the RPC server ends when its host stops.</summary>
/// <remarks>
/// The order is: <see cref="Delay"/> passes, while all goes on as before; <see cref="RpcContext.ServerStopping"/> is cancelled; the end points stop listening;
/// every peer of version 2 gets a GOAWAY; calls that come now are refused with UNAVAILABLE as not processed, and running ones go on until
/// <see cref="Timeout"/>; a connection whose calls have ended is read for <see cref="Linger"/>, or until its peer closes it, and closed.
/// </remarks>
public sealed class RpcServerDrainOptions
{
    /// <summary>
    /// How long the server goes on as before after the host was told to stop, so that load balancers and registries that watch its readiness
    /// send no more. Part of <c>HostOptions.ShutdownTimeout</c>. Default zero; less than 49 days.
    /// </summary>
    public TimeSpan Delay { get; set; }

    /// <summary>
    /// How long running calls may go on, <see cref="Delay"/> included. Then their tokens are cancelled, and their callers get UNAVAILABLE. Default
    /// <see langword="null"/>: <c>HostOptions.ShutdownTimeout</c> less a tenth, and less one second at most, which is left for the last replies. What
    /// goes beyond the host's time-out has no effect: then the host resets the connections. More than zero; less than 49 days.
    /// </summary>
    public TimeSpan? Timeout { get; set; }

    /// <summary>
    /// How long a connection is still read once its calls have ended, unless its peer closes it before. What is on its way then is refused in so many words;
    /// what comes later meets a closed connection. Clients of ours close at once when they are told (version 2). Default one second; zero to one hour.
    /// </summary>
    public TimeSpan Linger { get; set; } = TimeSpan.FromSeconds(1);
}
