using System.Net.Sockets;
using Kestrel.Rpc.Benchmarks.Load.Client.Exchanges;

namespace Kestrel.Rpc.Benchmarks.Load.Client.Loops;

/// <summary>
/// One connection of the load client: a socket, what it has received of an unfinished reply, and what the kernel would not take.
/// Used by the client's one thread.
/// </summary>
internal sealed class LoadConnection : IDisposable
{
    private readonly Socket _socket = LoopbackSocket.Create();

    public LoadConnection(Exchange exchange) => Exchange = exchange;

    public Exchange Exchange { get; }

    public int Descriptor => (int)_socket.Handle;

    /// <summary>The begin of a reply whose end has not come yet. Empty most of the time.</summary>
    public PendingBytes Received { get; } = new();

    /// <summary>The rest of requests, while the socket's send buffer is full. Empty most of the time.</summary>
    public PendingBytes Unsent { get; } = new();

    /// <param name="port">The server's, on 127.0.0.1.</param>
    /// <param name="index">The number of this connection among those of the client.</param>
    /// <param name="blocking">Whether receives sleep.</param>
    public void Connect(int port, int index, bool blocking = false)
    {
        LoopbackSocket.Connect(_socket, port, index);
        _socket.Blocking = blocking;
    }

    public void Dispose() => _socket.Dispose();
}
