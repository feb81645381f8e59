namespace Kestrel.Rpc.Protocol;

/// <summary>How many messages a method takes and gives.</summary>
public enum RpcMethodShape
{
    /// <summary>One request, one reply. Such a method may also be called one way, without a reply.</summary>
    Unary = 0,

    /// <summary>A stream of requests, one reply.</summary>
    ClientStreaming = 1,

    /// <summary>One request, a stream of replies.</summary>
    ServerStreaming = 2,

    /// <summary>A stream in each direction, both at once.</summary>
    DuplexStreaming = 3,
}
