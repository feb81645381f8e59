namespace Kestrel.Rpc.Middleware;

/// <summary>What <see cref="IRpcProtocolSession.TryParse"/> has found.</summary>
public enum RpcParseStatus
{
    /// <summary>The message is not whole yet.</summary>
    NeedMore,

    /// <summary>A message.</summary>
    Message,

    /// <summary>Bytes that are no message. Nothing that follows them can be read: the connection ends.</summary>
    Invalid,
}
