namespace Kestrel.Rpc.Generator;

/// <summary>How many messages a method takes and gives; the names are those of Kestrel.Rpc.Protocol.RpcMethodShape.</summary>
internal enum MethodShape
{
    /// <summary>One request, one reply.</summary>
    Unary,

    /// <summary>A stream of requests, one reply.</summary>
    ClientStreaming,

    /// <summary>One request, a stream of replies.</summary>
    ServerStreaming,

    /// <summary>A stream in each direction.</summary>
    DuplexStreaming,
}
