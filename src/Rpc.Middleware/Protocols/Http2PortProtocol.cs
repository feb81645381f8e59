using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Middleware;

/// <summary>HTTP/2 with prior knowledge, where Kestrel alone would take it for HTTP/1.</summary>
/// <param name="http2">What serves it.</param>
/// <param name="http1">What follows on the end point. It tells a client of HTTP/2 to speak HTTP/1.</param>
/// <param name="server">Its logger.</param>
internal sealed class Http2PortProtocol(Http2Prefaced http2, ConnectionDelegate http1, RpcServer server) : PortProtocol
{
    private int _hasReported;

    // RFC 9113, 3.4. All of it: nothing that begins so is a request of HTTP/1.
    private static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    public override RpcProtocolMatch Detect(in ReadOnlySequence<byte> start) => Match(start, Preface);

    public override Task ServeAsync(ConnectionContext connection)
    {
        if (http2.CanReplace(http1))
        {
            return http2.Serve!(connection);
        }

        if (Interlocked.Exchange(ref _hasReported, 1) == 0)
        {
            Log.Http2NotServed(server.Logger, connection.ConnectionId);
        }

        return http1(connection);
    }
}
