namespace Kestrel.Rpc.Invocation;

/// <summary>Decides whether somebody who finds nothing looks again or sleeps. One thread.</summary>
internal struct Spinner
{
    // Between two looks at the clock, which costs as much as several looks at a queue.
    private const int LooksPerClock = 32;

    private static readonly bool OneProcessor = Environment.ProcessorCount == 1;

    private readonly TimeProvider _timeProvider;
    private readonly long _limit; // in time stamps; 0: sleeps at once, MaxValue: never
    private long _since;
    private int _looks;

    public Spinner(TimeSpan limit, TimeProvider timeProvider)
    {
        _timeProvider = timeProvider;
        _limit = limit == Timeout.InfiniteTimeSpan
            ? long.MaxValue
            : (long)Math.Ceiling(limit.TotalSeconds * timeProvider.TimestampFrequency);
    }

    /// <summary>Whether <paramref name="spinTime"/> is a time or <see cref="Timeout.InfiniteTimeSpan"/>.</summary>
    public static TimeSpan Check(TimeSpan spinTime, string name)
    {
        if (spinTime < TimeSpan.Zero && spinTime != Timeout.InfiniteTimeSpan)
        {
            throw new ArgumentOutOfRangeException(name, spinTime, "The spin time is neither a time nor infinite.");
        }

        return spinTime;
    }

    /// <summary>There was something.</summary>
    public void Found()
    {
        _looks = 0;
        _since = 0;
    }

    /// <summary>There was nothing: true after a moment if it is to look again, false if the time is over.</summary>
    public bool LooksAgain()
    {
        if (_limit == 0)
        {
            return false;
        }

        if (OneProcessor)
        {
            _ = Thread.Yield(); // what it waits for cannot happen while it keeps the only processor
        }
        else
        {
            Thread.SpinWait(1);
        }

        if (_limit == long.MaxValue || ++_looks % LooksPerClock != 1)
        {
            return true;
        }

        long now = _timeProvider.GetTimestamp();
        if (_since == 0)
        {
            _since = now;
        }

        return now - _since < _limit;
    }
}
