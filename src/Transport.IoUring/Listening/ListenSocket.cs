using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport;

/// <summary>Creates listening sockets. The cold path: the framework's <see cref="Socket"/> knows all of it.</summary>
internal static class ListenSocket
{
    /// <summary>Whether the transports can listen on this kind of end point.</summary>
    public static bool Supports(EndPoint endPoint) => endPoint switch
    {
        IPEndPoint or UnixDomainSocketEndPoint => true,
        FileHandleEndPoint { FileHandleType: FileHandleType.Auto or FileHandleType.Tcp } => true,
        _ => false,
    };

    /// <summary>Binds and listens, or takes over the inherited descriptor.</summary>
    /// <exception cref="AddressInUseException">Another socket listens there.</exception>
    /// <exception cref="SocketException">The address cannot be bound for another reason.</exception>
    public static Socket Create(EndPoint endPoint, int backlog)
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
