namespace Kestrel.Rpc.Middleware;

/// <summary>What the first bytes of a connection say.</summary>
internal enum RpcSniffResult
{
    /// <summary>More bytes are needed.</summary>
    NeedMore,

    /// <summary>Our magic.</summary>
    Rpc,

    /// <summary>The preface of HTTP/2, whole.</summary>
    Http2,

    /// <summary>A TLS handshake, which nobody in front of us has taken.</summary>
    Tls,

    /// <summary>Not ours.</summary>
    Other,

    /// <summary>The connection ended before it said anything.</summary>
    Nothing,

    /// <summary>It did not say enough in time.</summary>
    TimedOut,

    /// <summary>The host stops.</summary>
    Stopping,
}
