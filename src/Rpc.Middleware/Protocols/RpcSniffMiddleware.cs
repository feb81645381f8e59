using System.Buffers;
using System.IO.Pipelines;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Looks at the first bytes of a connection, consumes none, and hands it to the RPC server or to what comes next, normally
/// Kestrel's HTTP.
/// </summary>
/// <param name="next">What comes next.</param>
/// <param name="handler">The RPC server.</param>
/// <param name="server">Its logger and clock.</param>
/// <param name="isHttpServed">Whether there is something that takes connections which are not ours.</param>
/// <param name="http2">Serves connections that begin with the preface of HTTP/2 in place of what comes next; null if that does so itself.</param>
/// <param name="timeout">How long a connection may leave its protocol open.</param>
internal sealed class RpcSniffMiddleware(
    ConnectionDelegate next,
    RpcConnectionHandler handler,
    RpcServer server,
    bool isHttpServed,
    Http2Prefaced? http2,
    TimeSpan timeout)
{
    private int _hasReportedTls;
    private int _hasReportedHttp2;

    private ILogger Logger => server.Logger;

    public async Task OnConnectionAsync(ConnectionContext connection)
    {
        RpcSniffResult result;
        try
        {
            result = await SniffAsync(connection);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // A reset or an abort before there was anything to serve.
            Log.ConnectionFailed(Logger, connection.ConnectionId, exception.Message);
            return;
        }

        bool isReported = result == RpcSniffResult.Tls && Interlocked.Exchange(ref _hasReportedTls, 1) == 0;
        if (isReported)
        {
            Log.UnexpectedTls(Logger, connection.ConnectionId);
        }

        switch (result)
        {
            case RpcSniffResult.Rpc:
                await handler.OnConnectedAsync(connection);
                break;
            case RpcSniffResult.Http2:
                await FindHttp2(connection)(connection);
                break;
            case RpcSniffResult.Tls or RpcSniffResult.Other when isHttpServed:
                await next(connection);
                break;
            case RpcSniffResult.Tls or RpcSniffResult.Other:
                if (!isReported)
                {
                    Log.UnknownProtocol(Logger, connection.ConnectionId);
                }

                break;
            case RpcSniffResult.TimedOut:
                Log.SniffTimedOut(Logger, connection.ConnectionId, timeout);
                break;
            default:
                // The connection ended before it began, or the host stops: nothing to say, nothing to serve.
                break;
        }
    }

    // What comes next tells a client of HTTP/2 to speak HTTP/1.
    private ConnectionDelegate FindHttp2(ConnectionContext connection)
    {
        if (http2!.CanReplace(next))
        {
            return http2.Serve!;
        }

        if (Interlocked.Exchange(ref _hasReportedHttp2, 1) == 0)
        {
            Log.Http2NotServed(Logger, connection.ConnectionId);
        }

        return next;
    }

    private async Task<RpcSniffResult> SniffAsync(ConnectionContext connection)
    {
        CancellationToken stopRequested =
            connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? CancellationToken.None;
        PipeReader input = connection.Transport.Input;
        await using SniffTimer timer = new(input, server.TimeProvider, timeout, stopRequested);
        long examined = 0;
        while (true)
        {
            ReadResult read = await input.ReadAsync();
            ReadOnlySequence<byte> buffer = read.Buffer;
            RpcSniffResult result = ProtocolSniffer.Detect(buffer, http2 is not null);
            if (result == RpcSniffResult.NeedMore && read.IsCompleted)
            {
                result = buffer.IsEmpty ? RpcSniffResult.Nothing : RpcSniffResult.Other;
            }

            result = timer.Settle(result);
            if (result != RpcSniffResult.NeedMore)
            {
                // Only what was examined before: the next reader gets everything at once, without waiting for more bytes.
                input.AdvanceTo(buffer.Start, buffer.GetPosition(examined));
                return result;
            }

            examined = buffer.Length;
            input.AdvanceTo(buffer.Start, buffer.End);
        }
    }
}
