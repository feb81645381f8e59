using System.Net.Sockets;

namespace Kestrel.Rpc.Client;

/// <summary>The sending half of a socket: disposing of it sends FIN and leaves the receiving half alone.</summary>
internal sealed class SendSideStream(Socket socket) : NetworkStream(socket, ownsSocket: false)
{
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            try
            {
                Socket.Shutdown(SocketShutdown.Send);
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // The connection is gone already: nobody is left to be told.
            }
        }

        base.Dispose(disposing);
    }
}
