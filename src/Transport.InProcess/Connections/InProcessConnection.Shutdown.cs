using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Transport;

internal sealed partial class InProcessConnection : IThreadPoolWorkItem
{
    private readonly CancellationTokenSource _closedSource = new();
    private readonly TaskCompletionSource _closedFired = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private int _aborted; // of the server's side: 1 when either side has aborted the connection
    private int _closing; // 1 when the closed token fires or has fired

    private InProcessConnection Server => _isServer ? this : Peer;

    private bool IsClosed => _input.IsCompleted && _output.IsCompleted;

    /// <summary>
    /// Ends both directions at once: this side's reads throw <paramref name="abortReason"/>, the other side's
    /// <see cref="ConnectionResetException"/>, and flushes of both say that nobody reads. What was not read is lost. Any thread;
    /// the first abort counts, and after the orderly end of this side there is nothing to abort.
    /// </summary>
    /// <remarks>
    /// Kestrel's HTTP passes <see langword="null"/> when the peer has gone in an orderly way: then the end is orderly too, and
    /// the other side still reads what was flushed.
    /// </remarks>
    public override void Abort(ConnectionAbortedException? abortReason)
    {
        if (abortReason is null)
        {
            End(new ConnectionAbortedException("The connection was closed by the application."), reset: false);
        }
        else
        {
            End(abortReason, reset: !_settings.FinOnError);
        }
    }

    /// <inheritdoc cref="Abort(ConnectionAbortedException)"/>
    public override void Abort() => Abort(new ConnectionAbortedException("The connection was aborted by the application."));

    /// <summary>
    /// Ends both directions in order: the other side still reads what was written. Completes when the token
    /// <see cref="BaseConnectionContext.ConnectionClosed"/> has fired.
    /// </summary>
    public override async ValueTask DisposeAsync()
    {
        _input.Complete();
        _output.Complete();
        await _closedFired.Task.ConfigureAwait(false);
        _closedSource.Dispose();
        await base.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>The application reads no more.</summary>
    public void OnInputCompleted()
    {
        Peer._output.End(); // what it writes from here on is dropped, and takes no memory of a program that may be gone
        if (IsClosed)
        {
            FireClosed();
        }
    }

    /// <summary>The application writes no more; with an error, what it wrote is not worth reading.</summary>
    public void OnOutputCompleting(Exception? error)
    {
        if (error is not null)
        {
            End(error, reset: !_settings.FinOnError);
        }
    }

    /// <summary>The other side knows now that this direction has ended.</summary>
    public void OnOutputCompleted()
    {
        if (IsClosed)
        {
            FireClosed();
        }

        Peer.FireClosed();
        if (Volatile.Read(ref Server._aborted) == 0)
        {
            LogFin("The application completed its output.");
        }
    }

    /// <summary>The limit of the direction is reached. Only what the server does not read is told, as over sockets.</summary>
    public void OnFlushWaits()
    {
        if (!_isServer)
        {
            InProcessLog.ConnectionPause(_settings.Logger, Peer.ConnectionId);
        }
    }

    /// <summary>The other side has read again, or the connection has ended.</summary>
    public void OnFlushGoesOn()
    {
        if (!_isServer)
        {
            InProcessLog.ConnectionResume(_settings.Logger, Peer.ConnectionId);
        }
    }

    /// <summary>Fires the closed token on the thread pool: its callbacks are the application's.</summary>
    void IThreadPoolWorkItem.Execute()
    {
        try
        {
            _closedSource.Cancel();
        }
        catch (Exception e)
        {
            InProcessLog.ClosedCallbackFailed(_settings.Logger, ConnectionId, e);
        }
        finally
        {
            _closedFired.SetResult();
        }
    }

    private void End(Exception reason, bool reset)
    {
        if (IsClosed || Interlocked.Exchange(ref Server._aborted, 1) == 1)
        {
            return;
        }

        // First everybody can see the end, then those who wait are woken: inline they run right here.
        _input.End(reason);
        Peer._input.End(reset ? new ConnectionResetException("The connection was reset by the other side.") : null);
        _output.End();
        Peer._output.End();
        FireClosed();
        Peer.FireClosed();
        _input.Wake();
        _output.Wake();
        Peer._input.Wake();
        Peer._output.Wake();

        // Last: a logger may throw.
        if (!reset)
        {
            LogFin(reason.Message);
        }
        else if (_isServer)
        {
            InProcessLog.ConnectionWriteRst(_settings.Logger, ConnectionId, reason.Message);
        }
        else
        {
            InProcessLog.ConnectionReset(_settings.Logger, Peer.ConnectionId);
        }
    }

    private void FireClosed()
    {
        if (Interlocked.Exchange(ref _closing, 1) == 0)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    private void LogFin(string reason)
    {
        if (_isServer)
        {
            InProcessLog.ConnectionWriteFin(_settings.Logger, ConnectionId, reason);
        }
        else
        {
            InProcessLog.ConnectionReadFin(_settings.Logger, Peer.ConnectionId);
        }
    }
}
