using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace Kestrel.Rpc.Transport;

/// <remarks>Work that is posted to the loop, and the sleep that it ends.</remarks>
internal abstract partial class EventLoop
{
    // Between two polls at most this many posted items run, so that a flood of posts cannot keep the loop from its sockets.
    private const int MaxPostedPerIteration = 1024;

    private readonly ConcurrentQueue<WorkItem> _posted = new();
    private readonly Queue<WorkItem> _local = new(); // loop thread only
    private readonly WakeEvent _wake = new();
    private int _sleeping; // 1 while the loop may be blocked in the kernel

    /// <summary>Runs <paramref name="action"/> on the loop, after everything scheduled before by the same thread.</summary>
    public override void Schedule(Action<object?> action, object? state)
    {
        if (IsOnLoop)
        {
            _local.Enqueue(new WorkItem(action, state));
            return;
        }

        _posted.Enqueue(new WorkItem(action, state));

        // Pairs with the fences in SleepOnLoop and Run: either the loop sees the item, or this thread sees that it sleeps or has ended.
        Interlocked.MemoryBarrier();
        if (_stopped)
        {
            RunOrphans();
        }
        else
        {
            WakeIfSleeping();
        }
    }

    /// <summary>
    /// Runs on the thread pool what was scheduled when the loop had ended: an application may end its side of a pipe long after
    /// the transport is gone.
    /// </summary>
    private void RunOrphans()
    {
        while (_posted.TryDequeue(out WorkItem item))
        {
            System.Threading.ThreadPool.UnsafeQueueUserWorkItem(item.Action, item.State, preferLocal: false);
        }
    }

    private void RunWorkOnLoop()
    {
        for (int i = 0; i < MaxPostedPerIteration && _posted.TryDequeue(out WorkItem item); i++)
        {
            RunOnLoop(item);
        }

        // What the items themselves scheduled runs now too, but only one generation of it before the sockets get their turn.
        for (int left = _local.Count; left > 0; left--)
        {
            RunOnLoop(_local.Dequeue());
        }
    }

    private void RunOnLoop(WorkItem item)
    {
        Statistics.WorkItems++;
        try
        {
            item.Action(item.State);
        }
        catch (Exception e)
        {
            ReportFault(e);
        }
    }

    /// <summary>Announces that the loop is about to sleep; says whether it really may.</summary>
    private bool SleepOnLoop()
    {
        if (_local.Count > 0 || !_posted.IsEmpty || (_stopping && _handles.Count == 0))
        {
            return false;
        }

        // While it spins it looks at the queue itself: nobody need wake it.
        if (_spin.LooksAgain(Statistics.Completions + Statistics.WorkItems))
        {
            return false;
        }

        Volatile.Write(ref _sleeping, 1);
        Interlocked.MemoryBarrier(); // pairs with the one in Schedule
        if (_posted.IsEmpty)
        {
            return true;
        }

        Volatile.Write(ref _sleeping, 0);
        return false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void WakeIfSleeping()
    {
        if (Volatile.Read(ref _sleeping) == 1 && Interlocked.Exchange(ref _sleeping, 0) == 1)
        {
            _wake.Signal();
        }
    }

    private readonly record struct WorkItem(Action<object?> Action, object? State);
}
