using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport;

internal sealed partial class TransportConnection
{
    private ConnectionAbortedException? _abortReason; // the first one counts
    private Exception? _shutdownReason; // set once, on the loop
    private int _runningMethods = 2; // of ReceiveOnLoop and SendOnLoop; loop thread only

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

    /// <summary>
    /// Ends both directions, once. With an error, or after an abort, the peer gets a RST unless the options say FIN; else it
    /// gets a FIN.
    /// </summary>
    private void ShutdownOnLoop(Exception? error)
    {
        if (_shutdownReason is not null)
        {
            return; // first of all: after the loop's end this runs on the thread pool, when everything is over
        }

        _loop.AssertOnLoop();
        error ??= Volatile.Read(ref _abortReason); // asked for already, though its turn has not come: never a graceful end then
        bool reset = error is not null && !Settings.FinOnError;
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
            TransportLog.ConnectionWriteRst(Settings.Logger, ConnectionId, _shutdownReason.Message);
        }
        else
        {
            TransportLog.ConnectionWriteFin(Settings.Logger, ConnectionId, _shutdownReason.Message);
        }
    }

    private void MethodEndedOnLoop()
    {
        _loop.AssertOnLoop();
        if (--_runningMethods == 0)
        {
            _ = CloseOnLoop();
        }
    }

    private async LoopMethod CloseOnLoop()
    {
        _shutdownReason ??= HalfClosed; // whoever aborts from here on must not touch the descriptor
        lock (_socket)
        {
            _descriptorClosed = true;
            _socketFeature?.Dispose(); // before the number can mean another connection
        }

        CountOnLoop(received: 0);
        await _socket.CloseAsync();
        _loop.UnregisterOnLoop(this);
        _loop.RemoveConnection();
        if (!_halfCloses)
        {
            Settings.Limit?.Release(); // it was accepted: what this side connects does not count
        }

        Finish();
    }
}
