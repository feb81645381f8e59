namespace Kestrel.Rpc.Protocol;

/// <summary>
/// The sender's side of method references: gives each method of one connection an index when it is first called. Belongs to
/// whoever writes the frames of the connection, as indices must be defined in the order of the frames: ask with <see cref="For"/> when a
/// frame is written next, and tell with <see cref="Defined"/> once it is. A frame that could not be written has defined nothing.
/// </summary>
public sealed class RpcMethodReferences
{
    private const int FirstCapacity = 16;

    // Open addressing, at most half full; a power of two.
    private Slot[] _slots = new Slot[FirstCapacity];
    private RpcMethodName? _last; // most connections call one method again and again
    private int _lastIndex;

    /// <summary>Makes an empty table.</summary>
    /// <param name="limit">
    /// The highest index used, 0 to <see cref="RpcMethodReference.MaxIndex"/>: 256, or what the peer's settings say. Further methods are named
    /// in each call.
    /// </param>
    public RpcMethodReferences(int limit = RpcSettings.DefaultMethodTableSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(limit);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, RpcMethodReference.MaxIndex);
        Limit = limit;
    }

    /// <summary>The highest index used.</summary>
    public int Limit { get; private set; }

    /// <summary>Indices defined so far.</summary>
    public int Count { get; private set; }

    /// <summary>Raises the limit, when the peer's settings have come.</summary>
    /// <param name="limit">The new limit; a lower one than now changes nothing.</param>
    public void Raise(int limit) => Limit = Math.Max(Limit, Math.Min(limit, RpcMethodReference.MaxIndex));

    /// <summary>How the next frame refers to a method.</summary>
    /// <param name="method">The method.</param>
    /// <returns>The reference. If it is named, <see cref="Defined"/> is to be called after the frame was written.</returns>
    /// <exception cref="RpcException">
    /// <see cref="RpcStatusCode.InvalidArgument"/>: the method has no name in version 2 (<see cref="RpcMethodName.Name"/>).
    /// </exception>
    public RpcMethodReference For(RpcMethodName method)
    {
        ArgumentNullException.ThrowIfNull(method);
        return ReferenceEquals(method, _last) ? new RpcMethodReference(_lastIndex) : Find(method);
    }

    /// <summary>Tells that a frame with a reference that names its method was written.</summary>
    /// <param name="method">The method.</param>
    /// <param name="reference">What <see cref="For"/> gave for it.</param>
    /// <exception cref="InvalidOperationException">Another frame has defined that index since.</exception>
    public void Defined(RpcMethodName method, RpcMethodReference reference)
    {
        ArgumentNullException.ThrowIfNull(method);
        if (reference.Index == 0 || !reference.IsNamed)
        {
            return;
        }

        if (reference.Index != Count + 1)
        {
            throw new InvalidOperationException($"Index {reference.Index} is not the next one: frames are not written in the order in which they asked.");
        }

        _slots[SlotOf(_slots, method)] = new Slot { Method = method, Index = ++Count };
        (_last, _lastIndex) = (method, Count);
        if (Count * 2 > _slots.Length)
        {
            Grow();
        }
    }

    private RpcMethodReference Find(RpcMethodName method)
    {
        if (method.Name.IsEmpty)
        {
            throw new RpcException(
                RpcStatusCode.InvalidArgument,
                $"'{method}' cannot be called in version 2: a name has a slash, or is over {RpcMethodReference.MaxNameLength} bytes.");
        }

        int at = SlotOf(_slots, method);
        if (_slots[at].Method is null)
        {
            return new RpcMethodReference(Count < Limit ? Count + 1 : 0, method.Name.Span);
        }

        _slots[at].Method = method; // the object that is asked for now is the one to compare with first
        (_last, _lastIndex) = (method, _slots[at].Index);
        return new RpcMethodReference(_lastIndex);
    }

    private static int SlotOf(Slot[] slots, RpcMethodName method)
    {
        int at = method.GetHashCode() & (slots.Length - 1);
        while (slots[at].Method is { } other && !ReferenceEquals(other, method) && !other.Equals(method))
        {
            at = (at + 1) & (slots.Length - 1);
        }

        return at;
    }

    private void Grow()
    {
        Slot[] larger = new Slot[_slots.Length * 2];
        foreach (Slot slot in _slots)
        {
            if (slot.Method is { } method)
            {
                larger[SlotOf(larger, method)] = slot;
            }
        }

        _slots = larger;
    }

    private struct Slot
    {
        public RpcMethodName? Method;
        public int Index;
    }
}
