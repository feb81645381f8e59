namespace Kestrel.Rpc.Middleware;

/// <summary>The calls of one connection, used again and again. One thread at a time rents: the read loop. Any thread returns.</summary>
internal sealed class RpcCallPool(RpcServerConnection owner)
{
    // What a connection keeps after a burst: about 60 KB. More calls in flight than that are not pooled.
    internal const int MaxPooled = 256;

    private RpcCall? _returned;
    private int _pooled;

    public RpcCall Rent()
    {
        RpcCall? call = TakeReturned();
        if (call is null)
        {
            // Only this thread adds, so the bound holds.
            bool isPooled = Volatile.Read(ref _pooled) < MaxPooled;
            if (isPooled)
            {
                Interlocked.Increment(ref _pooled);
            }

            return new RpcCall(owner, isPooled, owner.Version2);
        }

        return call;
    }

    public void Return(RpcCall call)
    {
        if (call.HasRunningSteps)
        {
            // What a middleware has left behind may still read and write it: as another call it would mix up the two.
            call.Version2?.Abandon();
            call.Plugged?.Abandon();
            call.AbandonTimeLimit();
            if (call.IsPooled)
            {
                Interlocked.Decrement(ref _pooled);
            }

            return;
        }

        call.Reset();
        if (!call.IsPooled)
        {
            return;
        }

        // Rent takes the whole list at once, so a head that is there again is no other list.
        RpcCall? head;
        do
        {
            head = Volatile.Read(ref _returned);
            call.NextInList = head;
        }
        while (Interlocked.CompareExchange(ref _returned, call, head) != head);
    }

#if DEBUG
    // So many calls end before one is used again, so that a context used after its call is noticed rather than mixed up.
    private const int Delay = 64;

    private readonly Queue<RpcCall> _delayed = new();

    private RpcCall? TakeReturned()
    {
        RpcCall? call = Interlocked.Exchange(ref _returned, null);
        while (call is not null)
        {
            RpcCall? next = call.NextInList;
            call.NextInList = null;
            _delayed.Enqueue(call);
            call = next;
        }

        return _delayed.Count > Delay ? _delayed.Dequeue() : null;
    }
#else
    private RpcCall? _mine;

    private RpcCall? TakeReturned()
    {
        RpcCall? call = _mine ?? Interlocked.Exchange(ref _returned, null);
        if (call is not null)
        {
            _mine = call.NextInList;
            call.NextInList = null;
        }

        return call;
    }
#endif
}
