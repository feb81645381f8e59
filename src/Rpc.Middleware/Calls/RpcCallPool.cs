namespace Kestrel.Rpc.Middleware;

/// <summary>The calls of one connection, used again and again. One thread at a time rents: the read loop. Any thread returns.</summary>
internal sealed class RpcCallPool(RpcServerConnection owner)
{
    // What a connection keeps after a burst: about 60 KB. More calls in flight than that are not pooled.
    internal const int MaxPooled = 256;

    private RpcCall? _mine;
    private RpcCall? _returned;
    private int _pooled;

    public RpcCall Rent()
    {
        RpcCall? call = _mine ?? Interlocked.Exchange(ref _returned, null);
        if (call is null)
        {
            // Only this thread adds, so the bound holds.
            bool isPooled = Volatile.Read(ref _pooled) < MaxPooled;
            if (isPooled)
            {
                Interlocked.Increment(ref _pooled);
            }

            return new RpcCall(owner, isPooled);
        }

        _mine = call.NextInList;
        call.NextInList = null;
        return call;
    }

    public void Return(RpcCall call)
    {
        if (!call.IsPooled)
        {
            return;
        }

        if (call.HasRunningSteps)
        {
            // What a middleware has left behind may still read and write it: as another call it would mix up the two.
            Interlocked.Decrement(ref _pooled);
            return;
        }

        call.Reset();

        // Rent takes the whole list at once, so a head that is there again is no other list.
        RpcCall? head;
        do
        {
            head = Volatile.Read(ref _returned);
            call.NextInList = head;
        }
        while (Interlocked.CompareExchange(ref _returned, call, head) != head);
    }
}
