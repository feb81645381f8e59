using System.Buffers;

namespace Kestrel.Rpc.Middleware;

/// <summary>One message as it was cut out of the input, in the two parts that protocols have. Its bytes are valid until it is processed.</summary>
public readonly struct RpcProtocolMessage
{
    /// <summary>What says who is called, by which call, with what beside: the header or the meta message of a protocol.</summary>
    public ReadOnlySequence<byte> Meta { get; init; }

    /// <summary>What is for the method.</summary>
    public ReadOnlySequence<byte> Body { get; init; }

    /// <summary>Whether it answers a call of this side. A server makes none, so such a message ends the connection unless the protocol takes it.</summary>
    public bool IsResponse { get; init; }

    /// <summary>With <see cref="RpcParseStatus.Invalid"/>: what is wrong, in one sentence for the log.</summary>
    public string? Fault { get; init; }
}
