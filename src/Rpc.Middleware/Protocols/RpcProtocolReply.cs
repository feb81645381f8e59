using System.Buffers;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>What the caller of an <see cref="IRpcProtocol"/> gets: a message, or an error.</summary>
public readonly ref struct RpcProtocolReply
{
    /// <summary>The number of the call, from <see cref="RpcProtocolRequest.Id"/>.</summary>
    public ulong Id { get; internal init; }

    /// <summary>The protocol's own, from <see cref="RpcProtocolRequest.State"/>.</summary>
    public object? State { get; internal init; }

    /// <summary>The error; <see langword="null"/> if there is a message.</summary>
    public RpcStatus? Error { get; internal init; }

    /// <summary>The message; <see langword="null"/> with an error.</summary>
    public object? Message { get; internal init; }

    internal RpcMessageFormat Format { get; init; }

    /// <summary>Bytes of the message, within the server's limit; 0 with an error.</summary>
    public int MessageLength { get; internal init; }

    /// <summary>
    /// Bytes that the method gives beside the message (<see cref="RpcContext.ReplyAttachment"/>); empty for none, and with an error. Counts with
    /// the message against the limit.
    /// </summary>
    public ReadOnlySequence<byte> Attachment { get; internal init; }

    /// <summary>What the method wants to go ahead of the reply; <see langword="null"/> for nothing.</summary>
    public RpcMetadata? Metadata { get; internal init; }

    /// <summary>What the method wants to go behind the reply, or with the error; <see langword="null"/> for nothing.</summary>
    public RpcMetadata? Trailers { get; internal init; }

    /// <summary>Serialises the message: exactly <see cref="MessageLength"/> bytes. Nothing with an error.</summary>
    /// <param name="output">Where it goes.</param>
    /// <exception cref="RpcException">The message was changed meanwhile. Nothing of it was written.</exception>
    public void WriteMessage(IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(output);
        if (Message is not null)
        {
            Format.Write(Message, output.GetSpan(MessageLength)[..MessageLength]);
            output.Advance(MessageLength);
        }
    }
}
