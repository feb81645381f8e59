using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport;

internal sealed partial class TransportConnection : IThreadPoolWorkItem
{
    private readonly CancellationTokenSource _closedSource = new();
    private readonly TaskCompletionSource _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ConnectionAbortedException? _abortReason; // the first one counts
    private Exception? _shutdownReason; // set once, on the loop
    private bool _closedFired; // loop thread only
    private int _runningMethods = 2; // of ReceiveOnLoop and SendOnLoop; loop thread only
    private int _unfinished = 2; // the descriptor, and the callbacks of the closed token

    /// <summary>
    /// Resets the connection (or sends FIN, by option): nothing more is sent or received, and the application's pipes end
    /// with <paramref name="abortReason"/>. Any thread; the first reason counts.
    /// </summary>
    /// <remarks>
    /// Kestrel's HTTP passes <see langword="null"/> when the peer has gone in an orderly way: then the end is orderly too, with FIN.
    /// </remarks>
    public override void Abort(ConnectionAbortedException? abortReason)
    {
        Interlocked.CompareExchange(ref _abortReason, abortReason, null);
        _loop.Schedule(static state => ((TransportConnection)state!).ShutdownOnLoop(null), this);
    }

    /// <inheritdoc cref="Abort(ConnectionAbortedException)"/>
    public override void Abort() => Abort(new ConnectionAbortedException("The connection was aborted by the application."));

    public void AbortOnLoop()
    {
        Interlocked.CompareExchange(ref _abortReason, new ConnectionAbortedException("The transport was stopped."), null);
        ShutdownOnLoop(null);
    }

    /// <summary>Fires the closed token, away from the loop: its callbacks are the application's.</summary>
    void IThreadPoolWorkItem.Execute()
    {
        try
        {
            _closedSource.Cancel();
        }
        catch (Exception e)
        {
            TransportLog.ClosedCallbackFailed(_settings.Logger, ConnectionId, e);
        }

        Finish();
    }

    /// <summary>
    /// Ends both directions, once. With an error, or after an abort, the peer gets a RST unless the options say FIN; else it
    /// gets a FIN.
    /// </summary>
    private void ShutdownOnLoop(Exception? error)
    {
        _loop.AssertOnLoop();
        if (_shutdownReason is not null)
        {
            return;
        }

        error ??= Volatile.Read(ref _abortReason); // asked for already, though its turn has not come: never a graceful end then
        bool reset = error is not null && !_settings.FinOnError;
        _shutdownReason = error ?? new ConnectionAbortedException("The application completed its output and everything was sent.");
        if (reset)
        {
            _socket.ResetOnClose();
        }
        else
        {
            _socket.ShutdownBoth();
        }

        _socket.Cancel();
        _output.WakeOnLoop();
        _input.CancelPauseOnLoop();

        // Last: a logger may throw.
        if (reset)
        {
            TransportLog.ConnectionWriteRst(_settings.Logger, ConnectionId, _shutdownReason.Message);
        }
        else
        {
            TransportLog.ConnectionWriteFin(_settings.Logger, ConnectionId, _shutdownReason.Message);
        }
    }

    private void FireConnectionClosed()
    {
        if (!_closedFired)
        {
            _closedFired = true;
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    private void MethodEndedOnLoop()
    {
        _loop.AssertOnLoop();
        if (--_runningMethods == 0)
        {
            CloseOnLoop();
        }
    }

    private async void CloseOnLoop()
    {
        lock (_socketFeatureLock)
        {
            _descriptorClosed = true;
            _socketFeature?.Dispose(); // before the number can mean another connection
        }

        await _socket.CloseAsync();
        _loop.UnregisterOnLoop(this);
        _loop.RemoveConnection();
        _settings.Limit?.Release();
        Finish();
    }

    private void Finish()
    {
        if (Interlocked.Decrement(ref _unfinished) == 0)
        {
            _finished.SetResult();
        }
    }
}
