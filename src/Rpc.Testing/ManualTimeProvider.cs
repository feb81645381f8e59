namespace Kestrel.Rpc.Testing;

/// <summary>
/// A clock that stands still until a test moves it: deadlines, idle time-outs and delays of a program pass without waiting. Give it to
/// <see cref="RpcWebApplicationFactory{TEntryPoint}.TimeProvider"/>. Safe to use from any thread.
/// </summary>
/// <param name="start">The time it shows first. Default: the beginning of the year 2000, UTC.</param>
public sealed class ManualTimeProvider(DateTimeOffset? start = null) : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly DateTimeOffset _start = start ?? new DateTimeOffset(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly List<ManualTimer> _timers = []; // those that are armed; guarded by the lock, as the next two
    private TimeSpan _passed;
    private long _armed; // so far, for timers that are due at the same time

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>How many timers are armed: a test waits until its program has begun to wait.</summary>
    public int ActiveTimers
    {
        get
        {
            lock (_lock)
            {
                return _timers.Count;
            }
        }
    }

    /// <inheritdoc/>
    public override long GetTimestamp()
    {
        lock (_lock)
        {
            return _passed.Ticks;
        }
    }

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => _start + new TimeSpan(GetTimestamp());

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        ManualTimer timer = new(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>
    /// Moves the clock. Timers that come due run on this thread, in the order of their times, and see the time they were due at.
    /// </summary>
    /// <param name="time">By how much; not negative.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public void Advance(TimeSpan time)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(time, TimeSpan.Zero);
        TimeSpan end;
        lock (_lock)
        {
            end = _passed + time;
        }

        while (TakeDue(end) is { } timer)
        {
            timer.Fire();
        }
    }

    // The next timer that is due, with the clock at its time; null if there is none, with the clock at the end.
    private ManualTimer? TakeDue(TimeSpan end)
    {
        lock (_lock)
        {
            ManualTimer? next = _timers.Where(timer => timer.Due <= end).MinBy(timer => (timer.Due, timer.Order));
            TimeSpan now = next?.Due ?? end;
            _passed = now > _passed ? now : _passed;
            if (next is not null)
            {
                Arm(next, next.Period);
            }

            return next;
        }
    }

    private void Arm(ManualTimer timer, TimeSpan delay)
    {
        _timers.Remove(timer);
        if (delay != Timeout.InfiniteTimeSpan)
        {
            timer.Due = _passed + delay;
            timer.Order = _armed++;
            _timers.Add(timer);
        }
    }

    private sealed class ManualTimer(ManualTimeProvider clock, TimerCallback callback, object? state) : ITimer
    {
        private bool _isDisposed;

        public TimeSpan Due { get; set; }

        public long Order { get; set; }

        public TimeSpan Period { get; private set; }

        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock._lock)
            {
                if (_isDisposed)
                {
                    return false;
                }

                // A period of zero fires once, as the system's timers do.
                Period = period == TimeSpan.Zero ? Timeout.InfiniteTimeSpan : period;
                clock.Arm(this, dueTime);
                return true;
            }
        }

        public void Dispose()
        {
            lock (clock._lock)
            {
                _isDisposed = true;
                clock._timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }
}
