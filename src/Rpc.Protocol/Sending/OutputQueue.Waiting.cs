namespace Kestrel.Rpc.Protocol;

/// <remarks>Waiting until items have left, and the end of the queue.</remarks>
internal sealed partial class OutputQueue
{
    private readonly Lock _waiting = new();
    private Waiter? _waiter; // written under the lock
    private bool _isWoken; // under the lock
    private End? _end;

    /// <summary>Whether <see cref="CloseAsync"/> has ended: the output is left alone.</summary>
    public bool IsClosed => Volatile.Read(ref _end) is { Task.IsCompleted: true };

    /// <summary>
    /// Waits until that many items are finished and the transport takes more, or until <see cref="Wake"/>. One waiter at a time.
    /// </summary>
    /// <param name="finished">How many.</param>
    public Task WaitAsync(long finished)
    {
        lock (_waiting)
        {
            if (_isWoken)
            {
                _isWoken = false;
                return Task.CompletedTask;
            }

            Waiter waiter = new(finished);
            _waiter = waiter;
            Interlocked.MemoryBarrier(); // pairs with the one in TryLeave: the writer sees the waiter, or this sees what was written
            if (!IsMet(waiter))
            {
                return waiter.Task;
            }

            _waiter = null;
            return Task.CompletedTask;
        }
    }

    /// <summary>Lets <see cref="WaitAsync"/> return, now or when it is called next.</summary>
    public void Wake()
    {
        Waiter? waiter;
        lock (_waiting)
        {
            waiter = _waiter;
            _waiter = null;
            _isWoken = true; // also then: the waiter may have been one that nobody waits for any more
        }

        waiter?.TrySetResult();
    }

    /// <summary>
    /// Ends when what was sent before has been dealt with; what is sent later is dropped, and the output is not touched any more.
    /// </summary>
    /// <param name="last">What leaves last; nothing may follow it.</param>
    public Task CloseAsync(IOutputItem? last = null)
    {
        End end = new(last);
        if (Interlocked.CompareExchange(ref _end, end, null) is { } first)
        {
            return first.Task;
        }

        Send(end);
        return end.Task;
    }

    // After a full fence.
    private void TellWaiter()
    {
        if (Volatile.Read(ref _waiter) is null)
        {
            return;
        }

        Waiter? met = null;
        lock (_waiting)
        {
            if (_waiter is not null && IsMet(_waiter))
            {
                met = _waiter;
                _waiter = null;
            }
        }

        met?.TrySetResult();
    }

    private bool IsMet(Waiter waiter) => Finished >= waiter.Finished && !_isFlushing;

    private sealed class Waiter(long finished) : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public long Finished => finished;
    }

    /// <summary>The last item. Whatever comes after it is dropped.</summary>
    private sealed class End(IOutputItem? last) : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), IOutputItem
    {
        public bool IsReached { get; private set; } // of the writer

        public IOutputItem? NextInLine { get; set; }

        public int Write(System.IO.Pipelines.PipeWriter output)
        {
            IsReached = true;
            return last?.Write(output) ?? 0;
        }

        public void Discard()
        {
            IsReached = true;
            last?.Discard();
        }
    }
}
