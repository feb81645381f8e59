namespace Kestrel.Rpc.Middleware;

/// <content>The stop of the host: when it began, and how long calls may go on. Any thread.</content>
internal sealed partial class RpcServer
{
    // What is left of the host's time for the last replies to leave.
    private static readonly TimeSpan LongestReserve = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stopBegins = new();
    private readonly CancellationTokenSource _stopping = new();
    private long _stopBeganAt; // 0: it has not

    /// <summary>Whether the host stops: true from the first moment on, while connections and calls are still taken.</summary>
    public bool IsStopping => Volatile.Read(ref _stopBeganAt) != 0;

    /// <summary>Cancelled at that first moment.</summary>
    public CancellationToken StopBegins => _stopBegins.Token;

    /// <summary>Cancelled when new calls are refused from now on.</summary>
    public CancellationToken Stopping => _stopping.Token;

    /// <summary>How long running calls may go on; null if there is no limit.</summary>
    public TimeSpan? DrainTimeLeft
    {
        get
        {
            TimeSpan timeout = hostOptions.Value.ShutdownTimeout;
            TimeSpan reserve = timeout / 10 < LongestReserve ? timeout / 10 : LongestReserve;
            TimeSpan? limit = Live.Drain.Timeout ?? (timeout < TimeSpan.Zero ? null : timeout - reserve);
            if (limit is null || limit >= SniffTimer.Longest)
            {
                return null;
            }

            TimeSpan left = limit.Value - timeProvider.GetElapsedTime(Volatile.Read(ref _stopBeganAt));
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    /// <summary>Notes that the host stops. The first call counts.</summary>
    public void OnStopBegins()
    {
        if (Interlocked.CompareExchange(ref _stopBeganAt, Math.Max(1, timeProvider.GetTimestamp()), 0) == 0)
        {
            RpcCancellation.Cancel(_stopBegins, Logger, "(all)");
        }
    }

    /// <summary>Tells running calls that the host stops.</summary>
    public void OnStopping()
    {
        OnStopBegins();
        if (!_stopping.IsCancellationRequested)
        {
            RpcCancellation.Cancel(_stopping, Logger, "(all)");
        }
    }
}
