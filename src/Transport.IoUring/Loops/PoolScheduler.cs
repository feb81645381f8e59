using System.Collections.Concurrent;
using System.IO.Pipelines;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// Runs the application's continuations of one loop on the thread pool. What the loop itself schedules is collected and handed
/// over in batches: one work item of the pool, and one wake-up of a thread, for many connections.
/// </summary>
internal sealed class PoolScheduler(EventLoop loop) : PipeScheduler, IThreadPoolWorkItem
{
    // One batch is handed over while the loop goes on with the rest of its events, so that a second processor has something to do.
    private const int MaxBatch = 32;

    // For how long one work item goes on, before other work of the pool gets its turn. Milliseconds.
    private const int MaxRunTime = 15;

    private readonly ConcurrentQueue<Continuation> _ready = new();
    private int _collected; // loop thread only
    private int _isQueued; // 1 while the thread pool has a work item of ours that has not begun

    public override void Schedule(Action<object?> action, object? state)
    {
        if (!loop.IsOnLoop)
        {
            System.Threading.ThreadPool.UnsafeQueueUserWorkItem(action, state, preferLocal: false);
            return;
        }

        _ready.Enqueue(new Continuation(action, state));
        if (++_collected == MaxBatch)
        {
            FlushOnLoop();
        }
    }

    /// <summary>Hands over what was collected. Says whether there was anything.</summary>
    public bool FlushOnLoop()
    {
        if (_collected == 0)
        {
            return false;
        }

        _collected = 0;
        if (Interlocked.Exchange(ref _isQueued, 1) == 0) // always a full fence: the worker that cleared it may look at an empty queue
        {
            System.Threading.ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }

        return true;
    }

    void IThreadPoolWorkItem.Execute()
    {
        Interlocked.Exchange(ref _isQueued, 0); // from here on whatever is enqueued is this work item's, or has a new one
        long start = Environment.TickCount64;
        while (_ready.TryDequeue(out Continuation continuation))
        {
            if (!_ready.IsEmpty)
            {
                EnsureQueued(); // what is about to run may block: the others must not wait for it
            }

            continuation.Action(continuation.State);
            if (Environment.TickCount64 - start >= MaxRunTime)
            {
                if (!_ready.IsEmpty)
                {
                    EnsureQueued();
                }

                return;
            }
        }
    }

    private void EnsureQueued()
    {
        if (Volatile.Read(ref _isQueued) == 0 && Interlocked.Exchange(ref _isQueued, 1) == 0)
        {
            System.Threading.ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    private readonly record struct Continuation(Action<object?> Action, object? State);
}
