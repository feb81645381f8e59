using System.Diagnostics;

namespace Kestrel.Rpc.Transport;

/// <summary>The loops of one transport, started together.</summary>
internal class EventLoopGroup : IDisposable
{
    private readonly EventLoop[] _loops;
    private bool _disposed; // guarded by _loops: a loop that has ended must not get a connection from one that has not

    protected EventLoopGroup(EventLoop[] loops) => _loops = loops;

    public IReadOnlyList<EventLoop> Loops => _loops;

    /// <summary>Whether this is the thread of one of them.</summary>
    public virtual bool IsOnOne => Array.Exists(_loops, loop => loop.IsOnLoop);

    /// <summary>What the meter shows; the same objects every time.</summary>
    public virtual IReadOnlyList<IMeteredLoop> Metered => _loops;

    /// <summary>Creates and starts <paramref name="count"/> loops; none is left behind if one of them fails.</summary>
    /// <exception cref="PlatformNotSupportedException">The kernel refused a loop its ring or epoll set.</exception>
    /// <exception cref="IOException">The system has no thread for a loop.</exception>
    public static EventLoopGroup Start(int count, Func<int, EventLoop> create)
    {
        var loops = new List<EventLoop>(count);
        try
        {
            for (int i = 0; i < count; i++)
            {
                loops.Add(create(i));
                loops[i].Start(i);
            }

            return new EventLoopGroup([.. loops]);
        }
        catch
        {
            loops.ForEach(loop => loop.Dispose());
            throw;
        }
    }

    /// <summary>The loop with the fewest connections, already counted as having one more. Called from any thread.</summary>
    /// <exception cref="ObjectDisposedException">The transport has stopped.</exception>
    public virtual EventLoop TakeLeastLoaded()
    {
        lock (_loops) // or two threads that connect at once would take the same
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            EventLoop least = _loops[0];
            foreach (EventLoop loop in _loops)
            {
                if (loop.ConnectionCount < least.ConnectionCount)
                {
                    least = loop;
                }
            }

            least.AddConnection();
            return least;
        }
    }

    /// <summary>Takes back a loop that was taken for a connection that could not be made. Any thread.</summary>
    public virtual void GiveBack(EventLoop loop) => loop.RemoveConnection();

    public virtual void Dispose()
    {
        lock (_loops)
        {
            _disposed = true;
        }

        DisposeAll(_loops);
    }

    /// <summary>Ends loops that run, all at once, and waits no longer than for one.</summary>
    protected static void DisposeAll(EventLoop[] loops)
    {
        Array.ForEach(loops, loop => loop.BeginEnd());
        long start = Stopwatch.GetTimestamp();
        foreach (EventLoop loop in loops)
        {
            TimeSpan left = EventLoop.LongestEnd - Stopwatch.GetElapsedTime(start);
            loop.End(left > TimeSpan.Zero ? left : TimeSpan.Zero);
        }
    }
}
