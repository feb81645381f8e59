using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport;

/// <summary>Creates listening sockets. The cold path: the framework's <see cref="Socket"/> knows nearly all of it.</summary>
internal static class ListenSocket
{
    /// <summary>Whether the transports can listen on this kind of end point.</summary>
    public static bool Supports(EndPoint endPoint) => endPoint switch
    {
        IPEndPoint or UnixDomainSocketEndPoint => true,
        FileHandleEndPoint { FileHandleType: FileHandleType.Auto or FileHandleType.Tcp } => true,
        _ => false,
    };

    /// <summary>Whether several sockets can listen on this kind of end point.</summary>
    public static bool SupportsReusePort(EndPoint endPoint) => endPoint is IPEndPoint;

    /// <summary>Binds and listens, or takes over the inherited descriptor.</summary>
    /// <exception cref="AddressInUseException">Another socket listens there.</exception>
    /// <exception cref="SocketException">The address cannot be bound for another reason.</exception>
    public static Socket Create(EndPoint endPoint, int backlog) => Create(endPoint, backlog, reusesPort: false);

    /// <summary>Binds and listens with <paramref name="count"/> sockets on one TCP address, among which the kernel spreads connections.</summary>
    /// <exception cref="AddressInUseException">Another socket listens there, whatever its options.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel has no <c>SO_REUSEPORT</c>.</exception>
    /// <exception cref="SocketException">The address cannot be bound for another reason.</exception>
    public static Socket[] CreateGroup(EndPoint endPoint, int backlog, int count)
    {
        // With the option from the start a listener of another program, or of this one, would be joined and not found. So the first
        // socket listens like any other, and lets others join when the address is its own. It also finds the port where that is 0.
        Socket first = Create(endPoint, backlog);
        var sockets = new List<Socket>(count) { first };
        try
        {
            if (count > 1)
            {
                TcpOptions.SetReusePort((int)first.Handle);
            }

            while (sockets.Count < count)
            {
                sockets.Add(Create(first.LocalEndPoint!, backlog, reusesPort: true));
            }

            return [.. sockets];
        }
        catch
        {
            sockets.ForEach(socket => socket.Dispose());
            throw;
        }
    }

    private static Socket Create(EndPoint endPoint, int backlog, bool reusesPort)
    {
        if (endPoint is FileHandleEndPoint inherited)
        {
            var taken = new Socket(new SafeSocketHandle((nint)inherited.FileHandle, ownsHandle: true));
            taken.Listen(backlog); // whoever left it to us may only have bound it
            return taken;
        }

        Socket socket = endPoint is UnixDomainSocketEndPoint
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (endPoint is IPEndPoint { Address: var address } && address.Equals(IPAddress.IPv6Any))
            {
                socket.DualMode = true; // [::] takes IPv4 connections too
            }

            if (reusesPort)
            {
                TcpOptions.SetReusePort((int)socket.Handle);
            }

            socket.Bind(endPoint);
            socket.Listen(backlog);
            return socket;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            socket.Dispose();
            throw new AddressInUseException(e.Message, e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
