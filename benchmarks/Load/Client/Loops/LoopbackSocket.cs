using System.Net;
using System.Net.Sockets;
using Kestrel.Rpc.Benchmarks.Load.Native;

namespace Kestrel.Rpc.Benchmarks.Load.Client.Loops;

/// <summary>Makes the client's sockets.</summary>
internal static class LoopbackSocket
{
    /// <summary>An address has 28,000 ephemeral ports by default; some of them are still in TIME_WAIT after another run.</summary>
    private const int ConnectionsPerSource = 10_000;

    public static Socket Create() => new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    /// <summary>Connects to a port of 127.0.0.1, from another address of 127.0.0.0/24 for every 10,000 connections.</summary>
    /// <param name="socket">A new socket.</param>
    /// <param name="port">The server's.</param>
    /// <param name="index">The number of the connection among those of this client.</param>
    public static void Connect(Socket socket, int port, int index)
    {
        if (index >= ConnectionsPerSource)
        {
            // The port is chosen at connect, when the kernel knows the other end.
            socket.SetRawSocketOption(Libc.IPPROTO_IP, Libc.IP_BIND_ADDRESS_NO_PORT, BitConverter.GetBytes(1));
            socket.Bind(new IPEndPoint(new IPAddress([127, 0, 0, (byte)(1 + (index / ConnectionsPerSource))]), 0));
        }

        socket.Connect(IPAddress.Loopback, port);
    }
}
