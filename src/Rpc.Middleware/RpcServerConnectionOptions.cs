namespace Kestrel.Rpc.Middleware;

/// <summary>How the RPC server treats connections.</summary>
public sealed class RpcServerConnectionOptions
{
    /// <summary>
    /// How long a new connection may stay silent, or stop within its first bytes, before it is closed because its protocol
    /// cannot be told. Default <see langword="null"/>: Kestrel's <c>Limits.RequestHeadersTimeout</c> (30 s unless changed).
    /// More than zero; <see cref="Timeout.InfiniteTimeSpan"/> for no limit.
    /// </summary>
    public TimeSpan? SniffTimeout { get; set; }

    /// <summary>
    /// How long an <see cref="IRpcConnectionAuthenticator"/> may take to verify a connection. Default 10 s; more than zero, at most 49 days. Without an
    /// authenticator it means nothing.
    /// </summary>
    public TimeSpan AuthenticationTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Whether every reply is flushed alone. For peers whose reader drops what follows the first frame of a segment, as the
    /// original MyRPC client does when it has several calls in flight. It lowers the odds; no server can rule out that the
    /// network joins two segments. Costs a system call a reply. Default <see langword="false"/>: replies that are ready
    /// together leave together.
    /// </summary>
    public bool FlushEachReply { get; set; }
}
