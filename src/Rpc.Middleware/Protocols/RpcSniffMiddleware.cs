using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Middleware;

/// <summary>Looks at the first bytes of a connection, consumes none, and hands it to the protocol of the table that they belong to.</summary>
/// <param name="table">The protocols of the end point.</param>
/// <param name="server">Its logger and clock.</param>
/// <param name="timeout">How long a connection may leave its protocol open.</param>
internal sealed class RpcSniffMiddleware(ProtocolTable table, RpcServer server, TimeSpan timeout)
{
    private ILogger Logger => server.Logger;

    public async Task OnConnectionAsync(ConnectionContext connection)
    {
        RpcSniffResult result;
        PortProtocol? protocol;
        try
        {
            (result, protocol) = await SniffAsync(connection);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // A reset or an abort before there was anything to serve.
            Log.ConnectionFailed(Logger, connection.ConnectionId, exception.Message);
            return;
        }

        switch (result)
        {
            case RpcSniffResult.Settled when protocol is not null:
                await protocol.ServeAsync(connection);
                break;
            case RpcSniffResult.Settled:
                server.Observer.OnConnectionRejected("protocol");
                Log.UnknownProtocol(Logger, connection.ConnectionId);
                break;
            case RpcSniffResult.TimedOut:
                server.Observer.OnConnectionRejected("silence");
                Log.SniffTimedOut(Logger, connection.ConnectionId, timeout);
                break;
            default:
                // The connection ended before it began, or the host stops: nothing to say, nothing to serve.
                break;
        }
    }

    private async Task<(RpcSniffResult Result, PortProtocol? Protocol)> SniffAsync(ConnectionContext connection)
    {
        CancellationToken stopRequested =
            connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? CancellationToken.None;
        PipeReader input = connection.Transport.Input;
        await using SniffTimer timer = new(input, server.TimeProvider, timeout, server.Live.Drain.Linger, stopRequested);
        long examined = 0;
        while (true)
        {
            ReadResult read = await input.ReadAsync();
            ReadOnlySequence<byte> buffer = read.Buffer;
            bool isSettled = table.TryFind(buffer, read.IsCompleted, out PortProtocol? protocol);
            RpcSniffResult result = timer.Settle(
                !isSettled ? RpcSniffResult.NeedMore : buffer.IsEmpty ? RpcSniffResult.Nothing : RpcSniffResult.Settled);
            if (result != RpcSniffResult.NeedMore)
            {
                // Only what was examined before: the next reader gets everything at once, without waiting for more bytes.
                input.AdvanceTo(buffer.Start, buffer.GetPosition(examined));
                return (result, protocol);
            }

            examined = buffer.Length;
            input.AdvanceTo(buffer.Start, buffer.End);
        }
    }
}
