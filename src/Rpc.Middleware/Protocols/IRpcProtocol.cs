using System.Buffers;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// A wire protocol that the server understands beside its own, on the same ports: <c>services.AddRpcProtocol&lt;T&gt;()</c>. Its calls run through
/// the same methods, middleware, filters and limits as all others. One object for all connections, so any thread.
/// </summary>
/// <remarks>
/// A connection is asked once, with its first bytes, and keeps the protocol it has shown. It is not told anew for later messages: what a
/// protocol knows of a connection (who the peer is, what ids stand for) would not hold for another one, and bytes in the middle of a
/// connection that do not fit are a fault, not a greeting.
/// </remarks>
public interface IRpcProtocol
{
    /// <summary>What logs and <see cref="RpcContext.Protocol"/> call it. No two protocols of a server have the same.</summary>
    string Name { get; }

    /// <summary>Whether a connection that begins with these bytes is of this protocol. Consumes nothing.</summary>
    /// <param name="start">
    /// The first bytes of the connection: at least one. With 64 of them, or when the peer has ended its sending, there are no more to wait for.
    /// </param>
    /// <returns>What the bytes say. The protocols of a table are asked in its order, and one that needs more bytes makes those behind it wait.</returns>
    RpcProtocolMatch Detect(in ReadOnlySequence<byte> start);

    /// <summary>Opens the protocol's side of a connection.</summary>
    /// <param name="server">The server's side: takes calls.</param>
    /// <returns>What reads requests and writes replies of this connection alone.</returns>
    IRpcProtocolSession Open(IRpcProtocolServer server);
}
