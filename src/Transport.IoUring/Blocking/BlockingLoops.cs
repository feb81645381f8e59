namespace Kestrel.Rpc.Transport;

/// <summary>
/// The loops of a blocking transport. They come and go with their connections, so the meter shows them as one, with what those that
/// have ended have done. Any thread.
/// </summary>
internal sealed class BlockingLoops : IMeteredLoop
{
    private readonly BlockingLoop _listeners;
    private readonly Lock _lock = new();
    private readonly HashSet<BlockingLoop> _live = []; // guarded by _lock, like the next
    private readonly LoopStatistics _ended = new();
    private long _endedWakeUps;

    public BlockingLoops(BlockingLoop listeners)
    {
        _listeners = listeners;
        _live.Add(listeners);
    }

    public int Index => _listeners.Index;

    public LoopMode? Mode => _listeners.Mode;

    public int ConnectionCount
    {
        get
        {
            lock (_lock)
            {
                return _live.Sum(loop => loop.ConnectionCount);
            }
        }
    }

    public long WakeUps
    {
        get
        {
            lock (_lock)
            {
                return _endedWakeUps + _live.Sum(loop => loop.WakeUps);
            }
        }
    }

    /// <summary>A new sum.</summary>
    public LoopStatistics Statistics
    {
        get
        {
            lock (_lock)
            {
                var sum = new LoopStatistics();
                sum.Add(_ended);
                foreach (BlockingLoop loop in _live)
                {
                    sum.Add(loop.Statistics);
                }

                return sum;
            }
        }
    }

    /// <summary>Those that serve a connection.</summary>
    public BlockingLoop[] OfConnections()
    {
        lock (_lock)
        {
            return [.. _live.Where(loop => loop != _listeners)];
        }
    }

    public void Add(BlockingLoop loop)
    {
        lock (_lock)
        {
            _live.Add(loop);
        }
    }

    /// <summary>The loop has ended, or never began. What it has done stays.</summary>
    public void End(BlockingLoop loop)
    {
        lock (_lock)
        {
            if (_live.Remove(loop))
            {
                _ended.Add(loop.Statistics);
                _endedWakeUps += loop.WakeUps;
            }
        }
    }
}
