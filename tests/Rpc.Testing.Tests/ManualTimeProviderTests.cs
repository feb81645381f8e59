namespace Kestrel.Rpc.Testing.Tests;

/// <summary>The clock that stands still.</summary>
public sealed class ManualTimeProviderTests
{
    private readonly ManualTimeProvider _time = new(DateTimeOffset.UnixEpoch);

    [Fact]
    public void Advance_MovesEveryFaceOfTheClock()
    {
        long start = _time.GetTimestamp();

        _time.Advance(TimeSpan.FromMinutes(3));

        Assert.Equal(DateTimeOffset.UnixEpoch.AddMinutes(3), _time.GetUtcNow());
        Assert.Equal(TimeSpan.FromMinutes(3), _time.GetElapsedTime(start));
    }

    [Fact]
    public void Timers_ComeDue_RunInTheirOrderAndSeeTheirTimes()
    {
        List<string> seen = [];
        using ITimer late = Timer("late", 5);
        using ITimer early = Timer("early", 2);
        using ITimer second = Timer("second", 2);
        using ITimer later = Timer("later", 11);

        _time.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal(["early 2", "second 2", "late 5"], seen);
        Assert.Equal(1, _time.ActiveTimers);

        ITimer Timer(string name, int seconds) => _time.CreateTimer(
            _ => seen.Add($"{name} {_time.GetUtcNow().ToUnixTimeSeconds()}"), null, TimeSpan.FromSeconds(seconds), Timeout.InfiniteTimeSpan);
    }

    [Fact]
    public void Timers_Periodic_RunOnceForEachPeriodUntilDisposed()
    {
        int count = 0;
        ITimer timer = _time.CreateTimer(_ => count++, null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2));

        _time.Advance(TimeSpan.FromSeconds(6)); // 1, 3, 5
        timer.Dispose();
        _time.Advance(TimeSpan.FromSeconds(6));

        Assert.Equal(3, count);
        Assert.False(timer.Change(TimeSpan.Zero, TimeSpan.Zero));
    }

    [Fact]
    public void Timers_ChangedByTheirCallback_RunAgainWithinTheSameStep()
    {
        int count = 0;
        ITimer? timer = null;
        timer = _time.CreateTimer(
            _ => timer!.Change(++count < 3 ? TimeSpan.FromSeconds(1) : Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan),
            null,
            TimeSpan.FromSeconds(1),
            TimeSpan.Zero);

        _time.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal(3, count);
        timer.Dispose();
    }

    [Fact]
    public async Task Delay_OfTheClock_EndsWithIt()
    {
        Task delay = Task.Delay(TimeSpan.FromHours(1), _time);

        _time.Advance(TimeSpan.FromMinutes(59));
        Assert.False(delay.IsCompleted);
        _time.Advance(TimeSpan.FromMinutes(1));
        await delay.Limited();
    }

    [Fact]
    public void Advance_Backwards_IsRefused() => Assert.Throws<ArgumentOutOfRangeException>(() => _time.Advance(TimeSpan.FromTicks(-1)));
}
