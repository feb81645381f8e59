namespace Kestrel.Rpc.Transport;

internal abstract partial class EventLoop
{
    private long _timestamp; // loop thread only, like the next
    private long _timestampTurn = -1;

    public TimeProvider TimeProvider { get; }

    /// <summary>The time of this turn, for <see cref="TimeProvider.GetElapsedTime(long)"/>: read from the clock once a turn at most.</summary>
    public long TimestampOnLoop()
    {
        if (_timestampTurn != Iteration)
        {
            _timestampTurn = Iteration;
            _timestamp = TimeProvider.GetTimestamp();
        }

        return _timestamp;
    }
}
