using System.Diagnostics.CodeAnalysis;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <content>The time that the call has, and what ends it early.</content>
[SuppressMessage("Design", "CA1001", Justification = "What holds something is let go of in EndCancellation; a source without a timer holds nothing.")]
internal sealed partial class RpcHttpCall
{
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _cancelled = new();
    private CancellationTokenRegistration _aborted;
    private CancellationTokenRegistration _stopping;
    private ITimer? _deadline; // as the next, under the lock
    private ITimer? _drainOver;
    private bool _isCancellationOver;
    private int _cancelledWith; // a status code; 0: none

    /// <summary>As the caller gave it; null without a limit.</summary>
    public TimeSpan? Timeout { get; private set; }

    public override TimeSpan? TimeLeft => Timeout - _server.TimeProvider.GetElapsedTime(ReceivedAt);

    // A timer may be a little ahead of the clock.
    TimeSpan? IRpcParentCall.TimeLeft => CancelledWith == RpcStatusCode.DeadlineExceeded ? TimeSpan.Zero : TimeLeft;

    public override CancellationToken CancellationToken => _cancelled.Token;

    public override CancellationToken ServerStopping => _server.Stopping;

    public override RpcStatusCode? CancelledWith =>
        Volatile.Read(ref _cancelledWith) is not 0 and int code ? (RpcStatusCode)code
        : TimeLeft <= TimeSpan.Zero ? RpcStatusCode.DeadlineExceeded
        : null;

    /// <summary>Watches the caller, the clock and the host from here on.</summary>
    public void StartCancellation()
    {
        _aborted = Http.RequestAborted.UnsafeRegister(static call => ((RpcHttpCall)call!).Cancel(RpcStatusCode.Cancelled), this);
        _stopping = _server.Stopping.UnsafeRegister(static call => ((RpcHttpCall)call!).OnStopping(), this);
        if (TimeLeft is { } left && left < SniffTimer.Longest)
        {
            StartTimer(ref _deadline, left, RpcStatusCode.DeadlineExceeded);
        }
    }

    private void OnStopping()
    {
        if (_server.DrainTimeLeft is { } left)
        {
            StartTimer(ref _drainOver, left, RpcStatusCode.Unavailable);
        }
    }

    private void StartTimer(ref ITimer? timer, TimeSpan left, RpcStatusCode code)
    {
        lock (_lock)
        {
            if (!_isCancellationOver)
            {
                timer = _server.TimeProvider.CreateTimer(
                    _ => Cancel(code), null, left > TimeSpan.Zero ? left : TimeSpan.Zero, System.Threading.Timeout.InfiniteTimeSpan);
            }
        }
    }

    private void Cancel(RpcStatusCode code)
    {
        if (Interlocked.CompareExchange(ref _cancelledWith, (int)code, 0) == 0)
        {
            RpcCancellation.Cancel(_cancelled, _server.Logger, _connection.ConnectionId);
        }
    }

    private void EndCancellation()
    {
        _aborted.Unregister();
        _stopping.Unregister();
        lock (_lock)
        {
            _isCancellationOver = true;
            _deadline?.Dispose();
            _drainOver?.Dispose();
        }
    }
}
