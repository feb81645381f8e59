using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Middleware;

/// <summary>A TLS handshake that nobody in front of us has taken: the end point is not set up as its clients think, which is reported once.</summary>
/// <param name="next">What gets the connection then; null if it is closed.</param>
/// <param name="server">Its logger.</param>
internal sealed class TlsPortProtocol(ConnectionDelegate? next, RpcServer server) : PortProtocol
{
    private int _hasReported;

    // Handshake record, version 3.x
    private static ReadOnlySpan<byte> Handshake => [0x16, 0x03];

    public override RpcProtocolMatch Detect(in ReadOnlySequence<byte> start) => Match(start, Handshake);

    public override Task ServeAsync(ConnectionContext connection)
    {
        if (Interlocked.Exchange(ref _hasReported, 1) == 0)
        {
            Log.UnexpectedTls(server.Logger, connection.ConnectionId);
        }
        else if (next is null)
        {
            Log.UnknownProtocol(server.Logger, connection.ConnectionId);
        }

        if (next is null)
        {
            server.Observer.OnConnectionRejected("protocol");
        }

        return next?.Invoke(connection) ?? Task.CompletedTask;
    }
}
