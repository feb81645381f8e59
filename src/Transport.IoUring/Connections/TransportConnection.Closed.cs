namespace Kestrel.Rpc.Transport;

/// <remarks>Most connections are never asked for their token, and are waited for only when they end: neither exists before.</remarks>
internal sealed partial class TransportConnection : IThreadPoolWorkItem
{
    private CancellationTokenSource? _closedSource;
    private TaskCompletionSource? _finished;
    private int _unfinished = 2; // the descriptor, and the callbacks of the closed token
    private bool _closedFired; // loop thread only
    private bool _closedRaised; // the token, if there is one, is cancelled or about to be
    private bool _closedReplaced; // somebody has set a token of his own

    public override CancellationToken ConnectionClosed
    {
        get
        {
            if (_closedReplaced)
            {
                return base.ConnectionClosed;
            }

            if (Volatile.Read(ref _closedSource) is not { } source)
            {
                // Not disposed, ever: it has no timer, and tokens are asked for after the end too.
                var created = new CancellationTokenSource();
                source = Interlocked.CompareExchange(ref _closedSource, created, null) ?? created;
                if (Volatile.Read(ref _closedRaised))
                {
                    source.Cancel(); // whoever raised it may have seen no source
                }
            }

            return source.Token;
        }

        set
        {
            base.ConnectionClosed = value;
            _closedReplaced = true;
        }
    }

    /// <summary>Fires the closed token, away from the loop: its callbacks are the application's.</summary>
    void IThreadPoolWorkItem.Execute()
    {
        try
        {
            Volatile.Write(ref _closedRaised, true);
            Interlocked.MemoryBarrier(); // pairs with the exchange that publishes a source
            Volatile.Read(ref _closedSource)?.Cancel();
        }
        catch (Exception e)
        {
            TransportLog.ClosedCallbackFailed(Settings.Logger, ConnectionId, e);
        }

        Finish();
    }

    private void FireConnectionClosed()
    {
        if (!_closedFired)
        {
            _closedFired = true;
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    /// <summary>Completes when the descriptor is closed and the callbacks of the closed token have run.</summary>
    private Task WaitUntilFinishedAsync()
    {
        var created = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource finished = Interlocked.CompareExchange(ref _finished, created, null) ?? created;
        if (Volatile.Read(ref _unfinished) == 0)
        {
            finished.TrySetResult();
        }

        return finished.Task;
    }

    private void Finish()
    {
        if (Interlocked.Decrement(ref _unfinished) == 0)
        {
            Volatile.Read(ref _finished)?.TrySetResult();
        }
    }
}
