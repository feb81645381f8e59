using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Kestrel.Rpc.Invocation;

/// <summary>
/// A lock-free queue of bounded size for any number of writers and readers: D. Vyukov's bounded MPMC queue. Every slot has a sequence number
/// that says whose turn it is: that of the writer of position p (p), of its reader (p + 1), of the writer one lap later (p + capacity).
/// </summary>
/// <remarks>Any thread. Items come out in the order in which writers took their positions.</remarks>
internal sealed class BoundedRing<T>
{
    // Above every position: a ring that takes an item every nanosecond reaches it after 146 years.
    private const long ClosedBit = 1L << 62;

    private readonly Slot[] _slots;
    private readonly int _mask;
    private RingPositions _positions;

    /// <param name="capacity">Rounded up to a power of two; at least 2.</param>
    public BoundedRing(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(capacity, 1 << 30);
        _slots = new Slot[Math.Max(2, BitOperations.RoundUpToPowerOf2((uint)capacity))];
        _mask = _slots.Length - 1;
        for (int index = 0; index < _slots.Length; index++)
        {
            _slots[index].Sequence = index;
        }
    }

    public int Capacity => _slots.Length;

    /// <summary>How many items there are; a snapshot, which counts those that are just being written.</summary>
    public int Count => (int)Math.Clamp((Volatile.Read(ref _positions.Tail) & ~ClosedBit) - Volatile.Read(ref _positions.Head), 0, Capacity);

    public bool IsClosed => (Volatile.Read(ref _positions.Tail) & ClosedBit) != 0;

    /// <summary>Whether there will never be an item again.</summary>
    public bool IsDrained
    {
        get
        {
            long tail = Volatile.Read(ref _positions.Tail);
            return (tail & ClosedBit) != 0 && Volatile.Read(ref _positions.Head) == (tail & ~ClosedBit);
        }
    }

    /// <summary>Whether a reader would get an item.</summary>
    public bool HasItem
    {
        get
        {
            long head = Volatile.Read(ref _positions.Head);
            return Volatile.Read(ref _slots[head & _mask].Sequence) - (head + 1) >= 0;
        }
    }

    /// <summary>Whether a writer would find room.</summary>
    public bool HasRoom
    {
        get
        {
            long tail = Volatile.Read(ref _positions.Tail);
            return (tail & ClosedBit) == 0 && Volatile.Read(ref _slots[tail & _mask].Sequence) - tail >= 0;
        }
    }

    public RingStatus TryEnqueue(in T item)
    {
        Slot[] slots = _slots;
        long tail = Volatile.Read(ref _positions.Tail);
        while (true)
        {
            if ((tail & ClosedBit) != 0)
            {
                return RingStatus.Closed;
            }

            ref Slot slot = ref slots[tail & (slots.Length - 1)];
            long turn = Volatile.Read(ref slot.Sequence) - tail;
            if (turn == 0)
            {
                long found = Interlocked.CompareExchange(ref _positions.Tail, tail + 1, tail);
                if (found == tail)
                {
                    slot.Item = item;
                    Volatile.Write(ref slot.Sequence, tail + 1);
                    return RingStatus.Done;
                }

                tail = found;
            }
            else if (turn < 0)
            {
                // A lap behind: its reader has not been here yet.
                return RingStatus.Full;
            }
            else
            {
                tail = Volatile.Read(ref _positions.Tail);
            }
        }
    }

    public bool TryDequeue([MaybeNullWhen(false)] out T item)
    {
        Slot[] slots = _slots;
        long head = Volatile.Read(ref _positions.Head);
        while (true)
        {
            ref Slot slot = ref slots[head & (slots.Length - 1)];
            long turn = Volatile.Read(ref slot.Sequence) - (head + 1);
            if (turn == 0)
            {
                long found = Interlocked.CompareExchange(ref _positions.Head, head + 1, head);
                if (found == head)
                {
                    item = slot.Item;
                    if (RuntimeHelpers.IsReferenceOrContainsReferences<T>())
                    {
                        slot.Item = default!;
                    }

                    Volatile.Write(ref slot.Sequence, head + slots.Length);
                    return true;
                }

                head = found;
            }
            else if (turn < 0)
            {
                item = default;
                return false;
            }
            else
            {
                head = Volatile.Read(ref _positions.Head);
            }
        }
    }

    /// <summary>
    /// Takes nothing more. The mark is in the writers' position, so that no item can come in after a reader has seen the ring drained.
    /// </summary>
    public void Close() => Interlocked.Or(ref _positions.Tail, ClosedBit);

    private struct Slot
    {
        public long Sequence;
        public T Item;
    }
}
