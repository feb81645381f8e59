namespace Kestrel.Rpc.Transport;

/// <summary>Whether a loop that has nothing to do sleeps or looks again. Loop thread only.</summary>
internal sealed class SpinPolicy
{
    private readonly TimeProvider _timeProvider;
    private readonly long _limit; // in time stamps; 0: sleeps at once, MaxValue: never sleeps
    private long _progress;
    private long _lastProgress; // a time stamp

    public SpinPolicy(TimeSpan spinTime, TimeProvider timeProvider)
    {
        _timeProvider = timeProvider;
        _limit = spinTime == Timeout.InfiniteTimeSpan
            ? long.MaxValue
            : (long)Math.Ceiling(spinTime.TotalSeconds * timeProvider.TimestampFrequency);
    }

    /// <summary>Whether to look again, given a number that has grown if the loop has had anything to do since the last call.</summary>
    public bool LooksAgain(long progress)
    {
        if (_limit is 0 or long.MaxValue)
        {
            return _limit != 0;
        }

        long now = _timeProvider.GetTimestamp();
        if (progress != _progress)
        {
            _progress = progress;
            _lastProgress = now;
        }

        return now - _lastProgress < _limit;
    }
}
