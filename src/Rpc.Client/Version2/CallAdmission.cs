namespace Kestrel.Rpc.Client;

/// <summary>
/// Keeps to the number of calls that the server takes at once: further ones wait here, in the order they came. A call that was given up
/// counts until the server has answered it. Any thread.
/// </summary>
internal sealed class CallAdmission(RequestQueue requests) : ICallGate
{
    // Until the server's first frame, which says how many it takes if it says so at all: a burst on a fresh connection would be refused.
    private const int FirstLimit = 100;

    private readonly Lock _lock = new();
    private readonly Queue<PendingCall> _waiting = new(); // under the lock
    private int _waitingCount;
    private int _inside;
    private int _limit = FirstLimit;

    /// <summary>Sets the limit, when the server's first frame has come. Calls beyond it that have left stay.</summary>
    public void Limit(int limit)
    {
        Volatile.Write(ref _limit, limit);
        AdmitNext();
    }

    public bool TryPass(PendingCall call)
    {
        if (Volatile.Read(ref _waitingCount) != 0)
        {
            return false;
        }

        if (Interlocked.Increment(ref _inside) > Volatile.Read(ref _limit))
        {
            Interlocked.Decrement(ref _inside); // Wait looks again
            return false;
        }

        if (!call.TryAdmit())
        {
            Interlocked.Decrement(ref _inside); // it has ended, and will not be written
        }

        return true;
    }

    public void Wait(PendingCall call)
    {
        lock (_lock)
        {
            _waiting.Enqueue(call);
            Interlocked.Increment(ref _waitingCount); // pairs with the one in Leave: either side sees the other
        }

        AdmitNext();
    }

    /// <summary>Notes that the server has done with a call that had passed.</summary>
    public void Leave()
    {
        Interlocked.Decrement(ref _inside);
        if (Volatile.Read(ref _waitingCount) != 0)
        {
            AdmitNext();
        }
    }

    private void AdmitNext()
    {
        while (true)
        {
            PendingCall call;
            bool isAdmitted;
            lock (_lock)
            {
                if (_waiting.Count == 0 || Volatile.Read(ref _inside) >= Volatile.Read(ref _limit))
                {
                    return;
                }

                call = _waiting.Dequeue();
                Interlocked.Decrement(ref _waitingCount);
                isAdmitted = call.TryAdmit();
                if (isAdmitted)
                {
                    Interlocked.Increment(ref _inside);
                }
            }

            if (isAdmitted)
            {
                requests.Leave(call);
            }
            else
            {
                requests.Skip(call);
            }
        }
    }
}
