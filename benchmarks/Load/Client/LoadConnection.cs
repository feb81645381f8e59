using System.Net;
using System.Net.Sockets;

namespace Kestrel.Rpc.Benchmarks.Load.Client;

/// <summary>
/// One connection of the load client: a socket, what it has received of an unfinished reply, and what the kernel would not take.
/// Used by the client's one thread.
/// </summary>
internal sealed class LoadConnection : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    public LoadConnection(Exchange exchange) => Exchange = exchange;

    public Exchange Exchange { get; }

    public int Descriptor => (int)_socket.Handle;

    /// <summary>The begin of a reply whose end has not come yet. Empty most of the time.</summary>
    public PendingBytes Received { get; } = new();

    /// <summary>The rest of requests, while the socket's send buffer is full. Empty most of the time.</summary>
    public PendingBytes Unsent { get; } = new();

    public void Connect(int port)
    {
        _socket.Connect(IPAddress.Loopback, port);
        _socket.Blocking = false;
    }

    public void Dispose() => _socket.Dispose();
}
