namespace Kestrel.Rpc.Protocol;

/// <summary>What came of adding a piece to a message.</summary>
public enum RpcAssemblyResult
{
    /// <summary>More pieces are to come.</summary>
    Incomplete = 0,

    /// <summary>The message is whole.</summary>
    Complete = 1,

    /// <summary>The message is over the limit: RESOURCE_EXHAUSTED for its call. Nothing is kept of it.</summary>
    TooLong = 2,

    /// <summary>The pieces do not fit together: a protocol error, the connection ends. Nothing is kept of them.</summary>
    Mismatch = 3,
}
