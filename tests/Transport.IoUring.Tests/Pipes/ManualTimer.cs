namespace Kestrel.Rpc.Transport.Tests.Pipes;

/// <summary>Time whose one timer fires when a test says so.</summary>
internal sealed class ManualTimer : TimeProvider, ITimer
{
    private TimerCallback? _callback;
    private object? _state;

    /// <summary>When the timer will fire; <see langword="null"/>: never.</summary>
    public TimeSpan? Due { get; private set; }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        (_callback, _state) = (callback, state);
        Change(dueTime, period);
        return this;
    }

    public bool Change(TimeSpan dueTime, TimeSpan period)
    {
        Assert.Equal(Timeout.InfiniteTimeSpan, period);
        Due = dueTime == Timeout.InfiniteTimeSpan ? null : dueTime;
        return true;
    }

    public void Fire()
    {
        Assert.NotNull(Due);
        Due = null;
        _callback!(_state);
    }

    public void Dispose() => Due = null;

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }
}
