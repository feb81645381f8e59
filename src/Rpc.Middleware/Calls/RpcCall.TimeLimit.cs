using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <remarks>The time limit that its method sets, beside or in place of the caller's. Callers of version 1 cannot set one.</remarks>
internal sealed partial class RpcCall
{
    private TimeSpan? _ownTimeLimit; // of a call of version 1
    private RpcCallCancellation? _ownCancellation; // likewise; made for the first call that needs it

    private TimeSpan? OwnTimeLeft => _ownTimeLimit - _owner.Server.TimeProvider.GetElapsedTime(ReceivedAt);

    // A timer may fire a little before the clock says so.
    private bool IsOutOfOwnTime => _ownTimeLimit is not null && (OwnTimeLeft <= TimeSpan.Zero || _ownCancellation!.IsCancellationRequested);

    private CancellationToken OwnToken
    {
        get
        {
            if (_ownTimeLimit is null)
            {
                return _owner.CallsCancelled;
            }

            if (!_ownCancellation!.IsStarted)
            {
                _ownCancellation.Start(OwnTimeLeft);
            }

            return _ownCancellation.Token;
        }
    }

    private RpcStatusCode? OwnCancelledWith => _owner.CallsCancelled.IsCancellationRequested ? _owner.CancelledBecause
        : IsOutOfOwnTime ? RpcStatusCode.DeadlineExceeded
        : null;

    /// <summary>Lets go of the connection, for a call that something of the application still uses.</summary>
    public void AbandonTimeLimit() => _ownCancellation?.Abandon();

    private void LimitTime(TimeSpan limit)
    {
        if (Version2 is not null)
        {
            Version2.LimitTime(limit);
        }
        else if (Plugged is not null)
        {
            Plugged.Timeout = Shorter(Plugged.Timeout, limit);
        }
        else
        {
            _ownTimeLimit = limit;
            _ownCancellation ??= new RpcCallCancellation(_owner);
        }
    }

    private void ResetTimeLimit()
    {
        if (_ownTimeLimit is not null)
        {
            _ownTimeLimit = null;
            _ownCancellation!.Reset();
        }
    }

    private static TimeSpan Shorter(TimeSpan? given, TimeSpan limit) => given < limit ? given.Value : limit;
}
