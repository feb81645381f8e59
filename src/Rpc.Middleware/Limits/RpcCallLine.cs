namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Calls that wait, a list for each priority: the first of the highest is next. Bounded: a call that finds it full takes the place of the last one of a lower priority. Under
/// the lock of its gate, but for what says otherwise.
/// </summary>
/// <param name="capacity">How many may wait.</param>
internal sealed class RpcCallLine(int capacity)
{
    private const int Priorities = (int)RpcCallPriority.High + 1;

    private readonly RpcWaitingCall?[] _first = new RpcWaitingCall?[Priorities];
    private readonly RpcWaitingCall?[] _last = new RpcWaitingCall?[Priorities];
    private readonly int[] _counts = new int[Priorities];
    private volatile int _count;

    public int Count => _count;

    /// <summary>Who is next; null if nobody waits.</summary>
    public RpcWaitingCall? First => _first[(int)RpcCallPriority.High] ?? _first[(int)RpcCallPriority.Normal] ?? _first[(int)RpcCallPriority.Low];

    /// <summary>Whether a call may wait. A guess without the lock: <see cref="Add"/> has the last word.</summary>
    public bool HasRoomFor(RpcCallPriority priority) => _count < capacity || FindLower(priority) is not null;

    /// <summary>How many wait that a call of this priority would not overtake. A guess without the lock.</summary>
    public int CountAhead(RpcCallPriority priority)
    {
        int count = 0;
        for (int other = (int)priority; other < Priorities; other++)
        {
            count += Volatile.Read(ref _counts[other]);
        }

        return count;
    }

    /// <summary>Adds a call.</summary>
    /// <returns>Who has lost the place: nobody, the last one of a lower priority, or the call itself.</returns>
    public RpcWaitingCall? Add(RpcWaitingCall waiting)
    {
        RpcCallPriority priority = waiting.Call.Priority;
        RpcWaitingCall? dropped = null;
        if (_count >= capacity)
        {
            dropped = FindLower(priority);
            if (dropped is null)
            {
                waiting.State = RpcWaitingState.Gone;
                return waiting;
            }

            Remove(dropped);
        }

        waiting.State = RpcWaitingState.InLine;
        waiting.Previous = _last[(int)priority];
        if (waiting.Previous is null)
        {
            _first[(int)priority] = waiting;
        }
        else
        {
            waiting.Previous.Next = waiting;
        }

        _last[(int)priority] = waiting;
        _count++;
        _counts[(int)priority]++;
        return dropped;
    }

    /// <summary>Takes a call out.</summary>
    public void Remove(RpcWaitingCall waiting)
    {
        int priority = (int)waiting.Call.Priority;
        waiting.State = RpcWaitingState.Gone;
        if (waiting.Previous is null)
        {
            _first[priority] = waiting.Next;
        }
        else
        {
            waiting.Previous.Next = waiting.Next;
        }

        if (waiting.Next is null)
        {
            _last[priority] = waiting.Previous;
        }
        else
        {
            waiting.Next.Previous = waiting.Previous;
        }

        waiting.Next = waiting.Previous = null;
        _count--;
        _counts[priority]--;
    }

    private RpcWaitingCall? FindLower(RpcCallPriority priority)
    {
        for (int lower = 0; lower < (int)priority; lower++)
        {
            if (_last[lower] is { } last)
            {
                return last;
            }
        }

        return null;
    }
}
