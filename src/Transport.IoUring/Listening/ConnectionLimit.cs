using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// The bound on accepted connections of one transport, over all of its end points and loops. A connection holds its place
/// from its accept to the close of its descriptor. Any thread.
/// </summary>
internal sealed class ConnectionLimit(int maximum, ILogger logger, TimeProvider timeProvider)
{
    // Near the limit connections are refused and accepted in turns: that is one incident, told once.
    private static readonly TimeSpan CalmPeriod = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private int _count;
    private long _rejected;
    private long _rejectedBefore; // the incident; guarded by _lock
    private long _lastRejection; // guarded by _lock
    private volatile bool _rejecting; // written under _lock

    /// <summary>How many connections hold a place.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>How many were refused since the transport started.</summary>
    public long Rejected => Volatile.Read(ref _rejected);

    /// <summary>Takes a place for a connection that was just accepted. False: there is none, and the connection must be reset.</summary>
    public bool TryTake()
    {
        // Never above the maximum, not even for a moment: another loop would refuse a connection for which there is a place.
        int count = Volatile.Read(ref _count);
        for (int seen = -1; seen != count;)
        {
            if (count >= maximum)
            {
                OnRejected();
                return false;
            }

            seen = count;
            count = Interlocked.CompareExchange(ref _count, seen + 1, seen);
        }

        if (_rejecting)
        {
            EndIncidentIfCalm();
        }

        return true;
    }

    public void Release() => Interlocked.Decrement(ref _count);

    private void OnRejected()
    {
        bool isFirst;
        lock (_lock)
        {
            isFirst = !_rejecting;
            if (isFirst)
            {
                _rejecting = true;
                _rejectedBefore = _rejected;
            }

            _rejected++;
            _lastRejection = timeProvider.GetTimestamp();
        }

        if (isFirst)
        {
            TransportLog.ConnectionLimitReached(logger, maximum);
        }
    }

    private void EndIncidentIfCalm()
    {
        long rejected;
        lock (_lock)
        {
            if (!_rejecting || timeProvider.GetElapsedTime(_lastRejection) < CalmPeriod)
            {
                return;
            }

            _rejecting = false;
            rejected = _rejected - _rejectedBefore;
        }

        TransportLog.ConnectionLimitLeft(logger, rejected);
    }
}
