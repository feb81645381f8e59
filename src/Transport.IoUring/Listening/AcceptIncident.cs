using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// That accepting on an end point fails, told once in the log, and once when it is over, for all of its listening sockets. Any thread.
/// </summary>
internal sealed class AcceptIncident(string endPoint, ILogger logger, TimeProvider timeProvider)
{
    // Where descriptors come and go one by one, accepts fail and succeed in turns: that is one incident, told once.
    private static readonly TimeSpan CalmPeriod = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private long _lastFailure; // guarded by _lock
    private volatile bool _failing; // written under _lock

    /// <summary>Notes a failure that <paramref name="retryDelay"/> is to heal. Whether the incident begins with it.</summary>
    public bool Fail(string reason, TimeSpan retryDelay)
    {
        lock (_lock)
        {
            _lastFailure = timeProvider.GetTimestamp();
            if (_failing)
            {
                return false;
            }

            _failing = true;
        }

        TransportLog.AcceptPaused(logger, endPoint, reason, retryDelay);
        return true;
    }

    /// <summary>Notes that a connection was accepted.</summary>
    public void Succeed()
    {
        if (!_failing)
        {
            return;
        }

        lock (_lock)
        {
            if (!_failing || timeProvider.GetElapsedTime(_lastFailure) < CalmPeriod)
            {
                return;
            }

            _failing = false;
        }

        TransportLog.AcceptResumed(logger, endPoint);
    }
}
