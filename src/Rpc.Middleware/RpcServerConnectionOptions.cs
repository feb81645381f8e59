using Microsoft.AspNetCore.Server.Kestrel.Core;

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
    /// How long a connection may have nothing under way before it is closed: no frame has come, no call runs, no stream is open. A request that was begun and never finished does
    /// not keep it. In version 2 the peer is told with a GOAWAY, and a PING keeps the connection. Looked at once a second. Default 30 s; more than zero, <see cref="Timeout.InfiniteTimeSpan"/> for no limit.
    /// </summary>
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How fast a frame must come once it is begun, from its first byte on, the first frame of a connection too. A peer that is slower is not read from any more; its calls that were read are
    /// answered. The time in which the server does not read does not count. Looked at once a second. Default 240 bytes a second, after 5 s: Kestrel's for requests. <see langword="null"/> for no limit.
    /// </summary>
    public MinDataRate? MinRequestDataRate { get; set; } = new(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(5));

    /// <summary>
    /// How long a peer may take no replies before its connection is aborted: a flush, of 64 KiB and one reply at most, has to end within it. Meanwhile no calls are read from it, so
    /// what it can make the server hold is bounded. As long may a reply of version 2 that is longer than a frame wait for credit without any being granted before its call ends with DEADLINE_EXCEEDED
    /// (not so streams, whose readers may pause), and as long may what is left in the transport of a connection that has ended go unacknowledged before the kernel resets it (TCP only). Looked at once a second. Default 30 s; more than zero, <see cref="Timeout.InfiniteTimeSpan"/> for no limit.
    /// </summary>
    public TimeSpan SendTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Whether every reply is flushed alone. For peers whose reader drops what follows the first frame of a segment, as the
    /// original MyRPC client does when it has several calls in flight. It lowers the odds; no server can rule out that the
    /// network joins two segments. Costs a system call a reply. Default <see langword="false"/>: replies that are ready
    /// together leave together.
    /// </summary>
    public bool FlushEachReply { get; set; }
}
