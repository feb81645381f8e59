using System.Buffers;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>A call as an <see cref="IRpcProtocol"/> has received it.</summary>
public readonly ref struct RpcProtocolRequest
{
    /// <summary>The number that the caller gave to the call; the reply gets it back. <see cref="RpcContext.SequenceId"/> has its lower 32 bits.</summary>
    public ulong Id { get; init; }

    /// <summary>The method: <c>service/method</c> in UTF-8. Need not be a name that exists, or any text at all.</summary>
    public ReadOnlySpan<byte> Method { get; init; }

    /// <summary>The request message. Parsed before <see cref="IRpcProtocolServer.Start"/> returns, or copied.</summary>
    public ReadOnlySequence<byte> Body { get; init; }

    /// <summary>Bytes beside the message: <see cref="RpcContext.RequestAttachment"/>. Copied. Counts with the body against the limit.</summary>
    public ReadOnlySequence<byte> Attachment { get; init; }

    /// <summary>What came beside it; <see langword="null"/> for none. Must not be changed afterwards.</summary>
    public RpcMetadata? Metadata { get; init; }

    /// <summary>The time that the caller gives, from when the request was read; <see langword="null"/> without a limit.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Whether the caller waits for no reply. Then nothing is written.</summary>
    public bool IsOneWay { get; init; }

    /// <summary>What the protocol wants back with the reply, as the compression that the caller takes.</summary>
    public object? State { get; init; }
}
