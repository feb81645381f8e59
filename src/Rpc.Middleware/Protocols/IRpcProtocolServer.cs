using System.Buffers;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// The server's side of a connection of an <see cref="IRpcProtocol"/>. Its methods are for <see cref="IRpcProtocolSession.ProcessRequest"/> and
/// <see cref="IRpcProtocolSession.ProcessResponse"/> only, on the thread that calls those.
/// </summary>
public interface IRpcProtocolServer
{
    /// <summary>The connection. Its transport belongs to the server.</summary>
    ConnectionContext Connection { get; }

    /// <summary>The longest meta part (<see cref="RpcFrameLimits.MaxProtocolDataLength"/>) and body of a request, and the longest body of a reply.</summary>
    RpcFrameLimits Limits { get; }

    /// <summary>
    /// Starts a call. A method that does not exist, a body that is not its message, or a time that is over is answered with an error. The number
    /// of calls is bounded by the server, which does not read on while there are too many.
    /// </summary>
    /// <param name="request">The call. Its bytes need not be valid afterwards.</param>
    void Start(in RpcProtocolRequest request);

    /// <summary>Answers a request with an error; nothing of it runs.</summary>
    /// <param name="request">The call; its body is not looked at.</param>
    /// <param name="status">The error.</param>
    void Refuse(in RpcProtocolRequest request, RpcStatus status);

    /// <summary>Sends something that is no reply, such as the answer to a ping. It counts as a call until it has left.</summary>
    /// <param name="write">Writes all of it. Called once, on any thread, or never if the connection ends before.</param>
    void Send(Action<IBufferWriter<byte>> write);
}
