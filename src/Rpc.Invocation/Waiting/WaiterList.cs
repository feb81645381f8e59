namespace Kestrel.Rpc.Invocation;

/// <summary>Those who wait for the same thing, the longest first. For those who write a source. Any thread.</summary>
public sealed class WaiterList
{
    private readonly Lock _lock = new();
    private SourceWaiter? _first;
    private SourceWaiter? _last;
    private int _count;

    /// <summary>
    /// Whether anybody waits. Who has just made something ready puts a full fence (<see cref="Interlocked.MemoryBarrier"/>) before this look.
    /// </summary>
    public bool HasWaiters => Volatile.Read(ref _count) != 0;

    /// <summary>Adds a waiter, followed by a full fence.</summary>
    /// <param name="waiter">In no list.</param>
    /// <exception cref="InvalidOperationException">It is in one.</exception>
    public void Add(SourceWaiter waiter)
    {
        ArgumentNullException.ThrowIfNull(waiter);
        lock (_lock)
        {
            if (waiter.List is not null)
            {
                throw new InvalidOperationException("The waiter is armed already.");
            }

            waiter.List = this;
            waiter.Previous = _last;
            if (_last is null)
            {
                _first = waiter;
            }
            else
            {
                _last.Next = waiter;
            }

            _last = waiter;
            _count++;
        }

        Interlocked.MemoryBarrier();
    }

    /// <summary>Takes a waiter out.</summary>
    /// <param name="waiter">Added before.</param>
    /// <returns>False: it has been signalled.</returns>
    public bool Remove(SourceWaiter waiter)
    {
        ArgumentNullException.ThrowIfNull(waiter);
        lock (_lock)
        {
            if (waiter.List != this)
            {
                return false;
            }

            Unlink(waiter);
            return true;
        }
    }

    /// <summary>Signals the one that waits longest, and takes it out.</summary>
    /// <returns>False: nobody waits.</returns>
    public bool SignalOne()
    {
        lock (_lock)
        {
            if (_first is not { } waiter)
            {
                return false;
            }

            Unlink(waiter);
            waiter.OnReady(); // under the lock: after Remove has returned false or true, no signal can be under way
            return true;
        }
    }

    /// <summary>Signals everybody who waits now.</summary>
    public void SignalAll()
    {
        lock (_lock)
        {
            // Those who are here now: who comes later looks for himself first.
            for (int waiting = _count; waiting > 0; waiting--)
            {
                SourceWaiter waiter = _first!;
                Unlink(waiter);
                waiter.OnReady();
            }
        }
    }

    private void Unlink(SourceWaiter waiter)
    {
        if (waiter.Previous is null)
        {
            _first = waiter.Next;
        }
        else
        {
            waiter.Previous.Next = waiter.Next;
        }

        if (waiter.Next is null)
        {
            _last = waiter.Previous;
        }
        else
        {
            waiter.Next.Previous = waiter.Previous;
        }

        waiter.Next = null;
        waiter.Previous = null;
        waiter.List = null;
        _count--;
    }
}
