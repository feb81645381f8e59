namespace Kestrel.Rpc.Middleware;

/// <summary>How a sniff has ended.</summary>
internal enum RpcSniffResult
{
    /// <summary>It has not: more bytes are needed.</summary>
    NeedMore,

    /// <summary>The protocol is known, or it is known to be none of the table.</summary>
    Settled,

    /// <summary>The connection ended before it said anything.</summary>
    Nothing,

    /// <summary>It did not say enough in time.</summary>
    TimedOut,

    /// <summary>The host stops.</summary>
    Stopping,
}
