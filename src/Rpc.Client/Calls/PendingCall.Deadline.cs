using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <remarks>The deadline. The timer is kept with the call, so it may fire for a call that this object served before: then it finds nothing to do.</remarks>
internal abstract partial class PendingCall
{
    // A timer takes 49 days; a call that may take longer looks again.
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(1);

    private ITimer? _timer;
    private TimeProvider? _clock; // of the timer
    private long _dueAt; // timestamp; 0 without a deadline

    /// <summary>Whether the call has a deadline.</summary>
    public bool HasDeadline => Volatile.Read(ref _dueAt) != 0;

    /// <summary>Notes when the call must have ended. Before it is in the table.</summary>
    /// <returns>False if that is over already.</returns>
    public bool TrySetDeadline(TimeProvider clock)
    {
        TimeSpan? left = _options.Timeout;
        if (_options.Deadline is { } deadline)
        {
            TimeSpan untilThen = deadline - clock.GetUtcNow();
            left = left is { } timeout && timeout < untilThen ? timeout : untilThen;
        }

        if (left is not { } time || time > TimeSpan.FromDays(365 * 100))
        {
            return true;
        }

        long start = clock.GetTimestamp();
        long dueAt = start + (long)(time.TotalSeconds * clock.TimestampFrequency);
        Volatile.Write(ref _dueAt, dueAt == 0 ? 1 : dueAt);
        return time > TimeSpan.Zero;
    }

    /// <summary>Starts the timer. When the call is in the table, and by its caller alone.</summary>
    public void StartTimer(TimeProvider clock)
    {
        if (!ReferenceEquals(clock, _clock))
        {
            _timer?.Dispose();
            _timer = clock.CreateTimer(static state => ((PendingCall)state!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _clock = clock;
        }

        Arm(clock);
    }

    /// <summary>Whether the time is over.</summary>
    public bool IsDue(TimeProvider clock) => HasDeadline && clock.GetTimestamp() >= Volatile.Read(ref _dueAt);

    /// <summary>The time left, at least zero. Only with a deadline.</summary>
    public TimeSpan TimeLeft(TimeProvider clock)
    {
        long left = Volatile.Read(ref _dueAt) - clock.GetTimestamp();
        return left <= 0 ? TimeSpan.Zero : TimeSpan.FromSeconds((double)left / clock.TimestampFrequency);
    }

    private void Arm(TimeProvider clock)
    {
        // A millisecond more: timers may fire that much early.
        TimeSpan left = TimeLeft(clock) + TimeSpan.FromMilliseconds(1);
        _timer!.Change(left < LongestWait ? left : LongestWait, Timeout.InfiniteTimeSpan);
    }

    private void OnTimer()
    {
        if (Session is not { } session || _clock is not { } clock || !HasDeadline)
        {
            return;
        }

        if (!IsDue(clock))
        {
            Arm(clock);
        }
        else if (session.Calls.RemoveIfDue(this, clock))
        {
            Fail(DeadlineExceeded());
        }
    }

    /// <summary>What a call whose time is over fails with.</summary>
    public RpcException DeadlineExceeded() => new(RpcErrorCode.Timeout, $"{Method} did not end in time.");

    /// <summary>Lets go of the timer, for calls that are not used again.</summary>
    protected void StopTimer() => _timer?.Dispose();

    private void ResetDeadline()
    {
        if (HasDeadline)
        {
            Volatile.Write(ref _dueAt, 0);
            _timer?.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }
}
