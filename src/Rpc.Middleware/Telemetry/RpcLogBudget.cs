namespace Kestrel.Rpc.Middleware;

/// <summary>How many lines of one kind may be logged in a second, so that a flood of them does not fill a disk: calls of a method, or an event. Any thread.</summary>
internal sealed class RpcLogBudget
{
    private readonly Lock _lock = new();
    private long _secondStart;
    private int _taken;
    private long _suppressed;
    private bool _isStarted;

    /// <summary>Takes a place for one line.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="now">A timestamp of it.</param>
    /// <param name="perSecond">How many lines a second has.</param>
    /// <param name="suppressed">How many had no place since the last line.</param>
    /// <returns>False if this second has had its lines.</returns>
    public bool TryTake(TimeProvider time, long now, int perSecond, out long suppressed)
    {
        lock (_lock)
        {
            if (!_isStarted || time.GetElapsedTime(_secondStart, now) >= TimeSpan.FromSeconds(1))
            {
                _isStarted = true;
                _secondStart = now;
                _taken = 0;
            }

            if (_taken >= perSecond)
            {
                _suppressed++;
                suppressed = 0;
                return false;
            }

            _taken++;
            (suppressed, _suppressed) = (_suppressed, 0);
            return true;
        }
    }
}
