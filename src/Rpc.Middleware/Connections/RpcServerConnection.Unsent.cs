using System.Net.Sockets;
using Microsoft.AspNetCore.Connections.Features;

namespace Kestrel.Rpc.Middleware;

/// <content>
/// What the transport still has to send when the connection ends here. Nobody sees any more whether the peer takes it: a flush says only that the transport has room. So the kernel is told how long
/// it may wait: with the option of TCP that ends a connection whose peer acknowledges nothing, or has no room, for that long.
/// </content>
internal sealed partial class RpcServerConnection
{
    private const int IpProtoTcp = 6;
    private const int TcpUserTimeout = 18; // TCP_USER_TIMEOUT of linux/tcp.h, in milliseconds

    // The least that a socket takes at once: with less than this nothing is left in the transport.
    private const int AlwaysSent = 4 * 1024;

    private void LimitWhatIsUnsent()
    {
        TimeSpan limit = Server.Heartbeat.Watch.Options.SendTimeout;
        if (IsAborted || limit == Timeout.InfiniteTimeSpan || Replies.FlushedBytes <= AlwaysSent || Connection.Features.Get<IConnectionSocketFeature>() is not { } feature)
        {
            return;
        }

        try
        {
            Socket socket = feature.Socket;
            if (socket.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6)
            {
                Span<byte> milliseconds = stackalloc byte[sizeof(int)];
                BitConverter.TryWriteBytes(milliseconds, (int)Math.Clamp(limit.TotalMilliseconds, 1, int.MaxValue));
                socket.SetRawSocketOption(IpProtoTcp, TcpUserTimeout, milliseconds);
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // It is closed already, or no TCP.
            Log.ConnectionFailed(Logger, Connection.ConnectionId, exception.Message);
        }
    }
}
