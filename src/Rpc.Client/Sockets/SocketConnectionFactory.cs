using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Client;

/// <summary>Connects with a plain socket: TCP by address or name, and Unix sockets.</summary>
internal sealed class SocketConnectionFactory : IConnectionFactory
{
    public static SocketConnectionFactory Instance { get; } = new();

    public async ValueTask<ConnectionContext> ConnectAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        // A name may have addresses of both families: then one dual-mode socket tries them all.
        bool unix = endpoint.AddressFamily == AddressFamily.Unix;
        Socket socket = endpoint.AddressFamily == AddressFamily.Unspecified
            ? new Socket(SocketType.Stream, ProtocolType.Tcp)
            : new Socket(endpoint.AddressFamily, SocketType.Stream, unix ? ProtocolType.Unspecified : ProtocolType.Tcp);
        try
        {
            if (!unix)
            {
                socket.NoDelay = true;
            }

            await socket.ConnectAsync(endpoint, cancellationToken).ConfigureAwait(false);
            return new SocketConnection(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
