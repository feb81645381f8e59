namespace Kestrel.Rpc.Invocation;

/// <summary>A ring of calls and those who wait for one, or for room. Any thread.</summary>
internal sealed class InvocationQueue<TArg, TRet>(int capacity)
{
    private readonly BoundedRing<Invocation<TArg, TRet>> _ring = new(capacity);
    private readonly WaiterList _receivers = new();
    private readonly WaiterList _senders = new();
    private RoomReadiness? _room;
    private volatile bool _isClosed; // beside the ring's own mark: that lies in the writers' line, which receivers leave alone

    public int Capacity => _ring.Capacity;

    public int Count => _ring.Count;

    public bool IsClosed => _isClosed;

    public bool IsDrained => _isClosed && _ring.IsDrained;

    public bool HasItem => _ring.HasItem;

    /// <summary>Whether there is a call, or will never be one again.</summary>
    public bool IsReady => _ring.HasItem || IsDrained;

    public WaiterList Receivers => _receivers;

    /// <summary>To wait for room, or for the end.</summary>
    public IReadiness Room => _room ?? Interlocked.CompareExchange(ref _room, new RoomReadiness(this), null) ?? _room;

    /// <summary>Puts a call in that nobody else can answer any more, and wakes a receiver that sleeps.</summary>
    public RingStatus TryEnqueue(in Invocation<TArg, TRet> invocation) => TryEnqueue(in invocation, out _);

    /// <param name="invocation">The call.</param>
    /// <param name="hasWoken">Whether a receiver slept and was woken.</param>
    public RingStatus TryEnqueue(in Invocation<TArg, TRet> invocation, out bool hasWoken)
    {
        hasWoken = false;
        RingStatus status = _ring.TryEnqueue(in invocation);
        if (status == RingStatus.Done)
        {
            Interlocked.MemoryBarrier(); // pairs with the one of Arm: either the receiver sees the call, or this sees the receiver
            hasWoken = _receivers.HasWaiters && _receivers.SignalOne();
        }

        return status;
    }

    public bool TryDequeue(out Invocation<TArg, TRet> invocation)
    {
        if (!_ring.TryDequeue(out invocation))
        {
            return false;
        }

        Interlocked.MemoryBarrier(); // as above, for those who wait for room
        if (_senders.HasWaiters)
        {
            _senders.SignalOne();
        }

        if (_isClosed)
        {
            EndIfDrained();
        }

        return true;
    }

    /// <summary>Who was told of room does not use it: the next one may.</summary>
    public void PassOnRoom() => _senders.SignalOne();

    public void Close()
    {
        _ring.Close();
        _isClosed = true;
        _senders.SignalAll();
        EndIfDrained();
    }

    // Whoever takes the last call tells those who wait for one that there will be none; so does the end itself if there was none left.
    private void EndIfDrained()
    {
        if (IsDrained)
        {
            _receivers.SignalAll();
        }
    }

    private sealed class RoomReadiness(InvocationQueue<TArg, TRet> queue) : IReadiness
    {
        public bool IsReady => queue._ring.HasRoom || queue._ring.IsClosed;

        public void Arm(SourceWaiter waiter) => queue._senders.Add(waiter);

        public bool Disarm(SourceWaiter waiter) => queue._senders.Remove(waiter);
    }
}
