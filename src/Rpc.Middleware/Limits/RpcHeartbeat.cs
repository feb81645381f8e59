namespace Kestrel.Rpc.Middleware;

/// <summary>
/// The RPC connections of a server, and the one timer that looks at all of them once a second. It runs only while there are connections and something to look for.
/// Any thread. What a look finds is dealt with outside the lock.
/// </summary>
internal sealed class RpcHeartbeat : IDisposable
{
    /// <summary>How often it looks: what a time-out is late by at most.</summary>
    internal static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly TimeProvider _time;
    private readonly bool _isWatching;
    private readonly Lock _lock = new();
    private readonly List<(RpcServerConnection Connection, RpcWatchVerdict Verdict)> _found = []; // of the timer
    private RpcServerConnection? _first; // under the lock, as the rest
    private int _count;
    private int _counted;
    private ITimer? _timer;
    private bool _isBeating;
    private bool _isDisposed;

    public RpcHeartbeat(RpcServerOptions options, TimeProvider time)
    {
        _time = time;
        MaxConnections = options.Limits.MaxConnections ?? int.MaxValue;
        Watch = new RpcConnectionWatch(options.Connections, time);
        _isWatching = Watch.IsNeeded || options.Limits.MaxConnections is not null;
    }

    /// <summary>How many connections are served.</summary>
    public int MaxConnections { get; }

    /// <summary>What connections are looked at for.</summary>
    public RpcConnectionWatch Watch { get; }

    /// <summary>Connections there are, those above the bound too.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _count;
            }
        }
    }

    /// <summary>Adds a connection. One that is too many stays until its peer was told.</summary>
    /// <returns>Takes it out again.</returns>
    public Entry Add(RpcServerConnection connection)
    {
        lock (_lock)
        {
            connection.NextWatched = _first;
            if (_first is not null)
            {
                _first.PreviousWatched = connection;
            }

            _first = connection;
            _count++;
            connection.IsCounted = _counted < MaxConnections;
            connection.WatchedSince = _time.GetTimestamp();
            _counted += connection.IsCounted ? 1 : 0;
            StartBeating();
        }

        return new Entry(this, connection);
    }

    private void Remove(RpcServerConnection connection)
    {
        lock (_lock)
        {
            if (connection.PreviousWatched is null)
            {
                _first = connection.NextWatched;
            }
            else
            {
                connection.PreviousWatched.NextWatched = connection.NextWatched;
            }

            if (connection.NextWatched is not null)
            {
                connection.NextWatched.PreviousWatched = connection.PreviousWatched;
            }

            connection.NextWatched = connection.PreviousWatched = null;
            _count--;
            _counted -= connection.IsCounted ? 1 : 0;
        }
    }

    /// <summary>Stops the timer.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            _timer?.Dispose();
        }
    }

    // Under the lock. One shot at a time: a look that takes long is not followed by another at once.
    private void StartBeating()
    {
        if (_isBeating || !_isWatching || _isDisposed || _count == 0)
        {
            return;
        }

        _isBeating = true;
        if (_timer is null)
        {
            _timer = _time.CreateTimer(static heartbeat => ((RpcHeartbeat)heartbeat!).Beat(), this, Interval, Timeout.InfiniteTimeSpan);
        }
        else
        {
            _timer.Change(Interval, Timeout.InfiniteTimeSpan);
        }
    }

    private void Beat()
    {
        long now = _time.GetTimestamp();
        lock (_lock)
        {
            for (RpcServerConnection? connection = _first; connection is not null; connection = connection.NextWatched)
            {
                RpcWatchVerdict verdict = connection.Look(Watch, now);
                if (verdict != RpcWatchVerdict.Fine)
                {
                    _found.Add((connection, verdict));
                }
            }
        }

        foreach ((RpcServerConnection connection, RpcWatchVerdict verdict) in _found)
        {
            connection.OnWatched(verdict);
        }

        _found.Clear();
        lock (_lock)
        {
            _isBeating = false;
            StartBeating();
        }
    }

    /// <summary>The place of a connection in the list.</summary>
    public readonly struct Entry(RpcHeartbeat heartbeat, RpcServerConnection connection) : IDisposable
    {
        public void Dispose() => heartbeat.Remove(connection);
    }
}
