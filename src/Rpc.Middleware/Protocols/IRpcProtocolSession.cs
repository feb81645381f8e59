using System.Buffers;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// One connection of an <see cref="IRpcProtocol"/>: cuts messages, makes calls of requests, writes replies. What throws here ends the connection
/// with an error in the log. Reading is done by one thread at a time, writing by one thread at a time; the two may run at once.
/// </summary>
public interface IRpcProtocolSession
{
    /// <summary>
    /// Cuts the next message out of the input. No I/O; looks at lengths before it waits for what they say, and refuses those over
    /// <see cref="IRpcProtocolServer.Limits"/>.
    /// </summary>
    /// <param name="buffer">All bytes not consumed yet. Moved behind the message, if there is one.</param>
    /// <param name="message">The message, or the fault.</param>
    RpcParseStatus TryParse(ref ReadOnlySequence<byte> buffer, out RpcProtocolMessage message);

    /// <summary>Makes calls of a request: <see cref="IRpcProtocolServer.Start"/>, or <see cref="IRpcProtocolServer.Refuse"/>, or neither.</summary>
    /// <param name="message">What was cut out.</param>
    /// <returns>False if the connection ends: nothing more is read, and what was started is answered.</returns>
    bool ProcessRequest(in RpcProtocolMessage message);

    /// <summary>Takes a message that answers a call of this side. The default ends the connection: a server calls nobody.</summary>
    /// <param name="message">What was cut out.</param>
    /// <returns>False if the connection ends.</returns>
    bool ProcessResponse(in RpcProtocolMessage message) => false;

    /// <summary>
    /// Writes a reply or an error, whole. What throws before anything was written is answered with an error in place of the reply; later, it
    /// ends the connection. Not called for calls without a reply.
    /// </summary>
    /// <param name="reply">What the caller gets.</param>
    /// <param name="output">Where it goes. Flushed by the server.</param>
    void WriteReply(in RpcProtocolReply reply, IBufferWriter<byte> output);
}
