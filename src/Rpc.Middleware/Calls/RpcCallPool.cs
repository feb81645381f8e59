namespace Kestrel.Rpc.Middleware;

/// <summary>The calls of one connection, used again and again. One thread at a time rents: the read loop. Any thread returns.</summary>
internal sealed class RpcCallPool(RpcServerConnection owner)
{
    // What a connection keeps after a burst: about 60 KB. More calls in flight than that are not pooled.
    internal const int MaxPooled = 256;

    private RpcCall? _mine;
    private RpcCall? _returned;
    private int _created;

    public RpcCall Rent()
    {
        RpcCall? call = _mine ?? Interlocked.Exchange(ref _returned, null);
        if (call is null)
        {
            bool isPooled = _created < MaxPooled;
            _created += isPooled ? 1 : 0;
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
