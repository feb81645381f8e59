using System.Collections.Concurrent;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// The calls of one connection on their way to the thread pool. All calls of one read start as one work item with one wake-up. A worker takes
/// them one after the other, and has the next worker queued before it runs a call with others behind it: so a call that blocks holds
/// nobody back, and calls that do not block cost no work item of their own. One thread at a time adds: the read loop.
/// </summary>
internal sealed class RpcCallQueue : IThreadPoolWorkItem
{
    // One part of a long read is handed over while the rest is parsed, so that a second processor has something to do.
    private const int CallsPerWakeUp = 32;

    // How many calls, and for how long in milliseconds, one work item goes on before other connections get their turn.
    internal const int CallsPerTurn = 64;
    private const long LongestTurn = 2;

    private readonly ConcurrentQueue<IThreadPoolWorkItem> _ready = new();
    private int _added; // since the last wake-up
    private int _isQueued; // 1 while the pool has a work item of this connection that has not begun

    /// <summary>Adds a call; it starts with the next <see cref="Start"/> at the latest.</summary>
    public void Add(IThreadPoolWorkItem call)
    {
        _ready.Enqueue(call);
        if (++_added == CallsPerWakeUp)
        {
            Start();
        }
    }

    /// <summary>Starts what was added.</summary>
    public void Start()
    {
        if (_added > 0)
        {
            _added = 0;

            // Always a full fence: the worker that clears it may be looking at an empty queue.
            if (Interlocked.Exchange(ref _isQueued, 1) == 0)
            {
                ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            }
        }
    }

    void IThreadPoolWorkItem.Execute()
    {
        Interlocked.Exchange(ref _isQueued, 0); // from here on whatever is added is this work item's, or has a new one
        long start = Environment.TickCount64;
        ExecutionContext? context = ExecutionContext.Capture();
        for (int calls = 0; calls < CallsPerTurn && _ready.TryDequeue(out IThreadPoolWorkItem? call); calls++)
        {
            EnsureQueued(); // what is about to run may block
            call.Execute();
            RpcCallIsolation.Restore(context);
            if (Environment.TickCount64 - start >= LongestTurn)
            {
                break;
            }
        }

        EnsureQueued();
    }

    private void EnsureQueued()
    {
        if (Volatile.Read(ref _isQueued) == 0 && !_ready.IsEmpty && Interlocked.Exchange(ref _isQueued, 1) == 0)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }
}
