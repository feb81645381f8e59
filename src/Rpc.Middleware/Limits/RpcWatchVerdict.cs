namespace Kestrel.Rpc.Middleware;

/// <summary>What a look at a connection from outside finds.</summary>
internal enum RpcWatchVerdict
{
    Fine,

    /// <summary>Nothing is under way, and has not been for a while.</summary>
    Idle,

    /// <summary>A frame was begun and comes too slowly.</summary>
    SlowSender,

    /// <summary>There are too many connections, and the peer makes no call that could be told so.</summary>
    TooMany,

    /// <summary>The peer grants no credit for replies that it has asked for.</summary>
    NoCredit,

    /// <summary>The peer does not read what it is sent.</summary>
    SlowReader,
}
