namespace Kestrel.Rpc.Middleware;

/// <summary>What the first bytes of a connection say about a protocol.</summary>
public enum RpcProtocolMatch
{
    /// <summary>They are not of this protocol.</summary>
    No,

    /// <summary>They may be; more are needed.</summary>
    NeedMore,

    /// <summary>They are of this protocol.</summary>
    Yes,
}
