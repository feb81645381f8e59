using System.Diagnostics.CodeAnalysis;
using System.Numerics;

namespace Kestrel.Rpc.Protocol;

/// <summary>
/// A bounded queue for many producers and one consumer at a time, without a lock: a slot's sequence number says whose turn it is.
/// Source: Dmitry Vyukov's bounded queue, with the consumer's side made for one.
/// </summary>
/// <remarks>Any thread may enqueue. Who dequeues must be one thread at a time, and hand over with a fence.</remarks>
internal sealed class BoundedRing<T>
    where T : class
{
    // A slot is free for the producer that claims position p when its number is p, and full for the consumer when it is p + 1.
    // Emptied, it gets p + capacity: the position of the next round. Numbers wrap; only their differences count.
    private readonly Slot[] _slots;
    private readonly int _mask;
    private BoundedRingPositions _positions;

    /// <param name="capacity">How many items fit: a power of two, at least 2.</param>
    public BoundedRing(int capacity)
    {
        if (capacity < 2 || !BitOperations.IsPow2(capacity))
        {
            throw new ArgumentOutOfRangeException(nameof(capacity), capacity, "It must be a power of two, at least 2.");
        }

        _slots = new Slot[capacity];
        _mask = capacity - 1;
        for (int i = 0; i < capacity; i++)
        {
            _slots[i].Sequence = i;
        }
    }

    /// <summary>Where the first item goes. Tests set it to pass the end of the numbers; only on a ring that was never used.</summary>
    internal int Start
    {
        set
        {
            _positions.Head = _positions.Tail = value;
            for (int i = 0; i <= _mask; i++)
            {
                int position = unchecked(value + i);
                _slots[position & _mask].Sequence = position;
            }
        }
    }

    /// <summary>Puts an item at the end.</summary>
    /// <returns>False if the ring is full.</returns>
    public bool TryEnqueue(T item)
    {
        while (true)
        {
            int position = Volatile.Read(ref _positions.Tail);
            ref Slot slot = ref _slots[position & _mask];
            int difference = unchecked(Volatile.Read(ref slot.Sequence) - position);
            if (difference < 0)
            {
                return false;
            }

            // Greater: another producer has taken the position since it was read.
            if (difference == 0 && Interlocked.CompareExchange(ref _positions.Tail, unchecked(position + 1), position) == position)
            {
                slot.Item = item;
                Volatile.Write(ref slot.Sequence, unchecked(position + 1));
                return true;
            }
        }
    }

    /// <summary>Takes the first item.</summary>
    /// <returns>False if there is none, or if the producer of the first one has claimed its slot and not filled it yet.</returns>
    public bool TryDequeue([NotNullWhen(true)] out T? item)
    {
        int position = _positions.Head;
        ref Slot slot = ref _slots[position & _mask];
        if (Volatile.Read(ref slot.Sequence) != unchecked(position + 1))
        {
            item = null;
            return false;
        }

        item = slot.Item!;
        slot.Item = null;
        Volatile.Write(ref slot.Sequence, unchecked(position + _mask + 1));
        _positions.Head = unchecked(position + 1);
        return true;
    }

    private struct Slot
    {
        public int Sequence;
        public T? Item;
    }
}
