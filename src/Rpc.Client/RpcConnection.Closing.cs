using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Client;

public sealed partial class RpcConnection
{
    private Task? _shutdown; // started once, under _lock

    /// <summary>
    /// Closes the connection: with FIN if every request was answered, else at once with RST, which lets the server cancel what
    /// nobody waits for any more. Calls under way fail with <see cref="RpcErrorCode.Connection"/>. Waits at most
    /// <see cref="RpcConnectionOptions.CloseTimeout"/> for the transport; may be called again.
    /// </summary>
    /// <returns>Ends when the connection and all it held are gone.</returns>
    public ValueTask DisposeAsync()
    {
        TryClose(new RpcException(RpcErrorCode.Connection, "The connection was closed by this side."), failed: false, CloseManner.WhenIdle);
        return new ValueTask(_shutdown!);
    }

    void ISessionOwner.Fail(RpcErrorCode code, string message, Exception? exception, CloseManner manner) => Fail(code, message, exception, manner);

    private void Fail(RpcErrorCode code, string message, Exception? exception, CloseManner manner) =>
        TryClose(new RpcException(code, message, exception), failed: true, manner);

    void ISessionOwner.OnGoingAway() => _goingAway.TrySetResult();

    // The one way to the end: the first reason counts.
    private void TryClose(RpcException reason, bool failed, CloseManner manner)
    {
        PendingCall[] calls;
        lock (_lock)
        {
            if (_closeReason is not null)
            {
                return;
            }

            _closeReason = reason;
            calls = _session.Calls.Close();
            if (manner == CloseManner.WhenIdle && (calls.Length > 0 || _session.HasUnansweredRequests))
            {
                manner = CloseManner.Reset;
            }

            _shutdown = Task.Run(() => ShutDownAsync(manner));
        }

        try
        {
            LogEnd(reason, failed, calls.Length);
        }
        finally
        {
            // Whatever a logger throws, nobody waits for ever.
            foreach (PendingCall call in calls)
            {
                // One exception a call: each collects its own stack trace.
                call.Fail(new RpcException(reason.Code, $"{call.Method} got no reply: {reason.Message}", reason.InnerException)
                {
                    IsNotProcessed = !call.HasDeparted,
                });
            }

            _goingAway.TrySetResult();
            _closed.TrySetResult();
        }
    }

    private void LogEnd(RpcException reason, bool failed, int calls)
    {
        if (failed && calls > 0)
        {
            Log.ConnectionFailed(_logger, _id, calls, reason.Message, reason.InnerException);
        }
        else
        {
            Log.ConnectionEnded(_logger, _id, reason.Message);
        }
    }

    // FIN only behind requests that are all answered. A server takes FIN for "no more requests" and goes on with those it has;
    // only RST tells it that nobody waits for their replies any more.
    private async Task ShutDownAsync(CloseManner manner)
    {
        using CancellationTokenSource timeout = new(_closeTimeout, _timeProvider);
        bool aborted = manner == CloseManner.Reset;
        _session.Dispose();
        if (aborted)
        {
            Abort();
        }
        else
        {
            try
            {
                await _session.Requests.CloseAsync().WaitAsync(timeout.Token).ConfigureAwait(false);
                aborted = manner != CloseManner.LastWords && _session.HasUnansweredRequests; // a call may have been cancelled while it was written
                if (aborted)
                {
                    Abort();
                }
                else
                {
                    await _transport.Output.CompleteAsync().AsTask().WaitAsync(timeout.Token).ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException)
            {
                Log.CloseTimedOut(_logger, _id);
                aborted = true;
                Abort();
            }
            catch (Exception exception)
            {
                // The transport failed on the way out; what is left is to let go of it.
                Log.CloseFailed(_logger, _id, exception);
                aborted = true;
                Abort();
            }
        }

        await ReleaseAsync(aborted).ConfigureAwait(false);
    }

    private void Abort()
    {
        try
        {
            _connection?.Abort(new ConnectionAbortedException(_closeReason!.Message));
            if (!_session.Requests.IsClosed)
            {
                _transport.Output.CancelPendingFlush();
            }
        }
        catch (Exception exception)
        {
            // A transport of another maker; what it holds must be released all the same.
            Log.CloseFailed(_logger, _id, exception);
        }
    }

    private async Task ReleaseAsync(bool aborted)
    {
        try
        {
            _transport.Input.CancelPendingRead();
            await _reading.Task.ConfigureAwait(false);
            await _transport.Input.CompleteAsync().ConfigureAwait(false);
            if (aborted)
            {
                await _session.Requests.CloseAsync().ConfigureAwait(false);
                await _transport.Output.CompleteAsync(new ConnectionAbortedException(_closeReason!.Message)).ConfigureAwait(false);
            }
        }
        catch (Exception exception)
        {
            // Pipes of another maker may throw here; the connection must be disposed of all the same.
            Log.CloseFailed(_logger, _id, exception);
        }
        finally
        {
            if (_connection is not null)
            {
                await _connection.DisposeAsync().ConfigureAwait(false);
            }
        }
    }
}
