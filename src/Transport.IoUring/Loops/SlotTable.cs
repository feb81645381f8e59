using System.Diagnostics;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// Gives each open socket of a loop a number that the kernel carries in its events: a slot, and the generation that tells
/// this use of the slot from the ones before. A descriptor number would not do: it is used again at once. Loop thread only.
/// </summary>
internal sealed class SlotTable<T>
    where T : class
{
    private const int GenerationShift = 24;
    private const uint SlotMask = (1u << GenerationShift) - 1;

    private readonly Stack<int> _free = new();
    private Slot[] _slots = new Slot[64];
    private int _used; // slots from here on were never taken

    /// <summary>Takes a slot: 24 bits of slot under 32 bits of generation, which leaves the top 8 bits to the caller.</summary>
    public ulong Add(T value)
    {
        if (!_free.TryPop(out int slot))
        {
            slot = _used++;
            if (slot == _slots.Length)
            {
                Array.Resize(ref _slots, _slots.Length * 2);
            }
        }

        Debug.Assert(slot <= (int)SlotMask, "More sockets than a process can have descriptors.");
        _slots[slot].Value = value;
        return ((ulong)_slots[slot].Generation << GenerationShift) | (uint)slot;
    }

    /// <summary>The holder of the number, or <see langword="null"/> if it has given it back.</summary>
    public T? Find(ulong number)
    {
        ref Slot slot = ref _slots[(int)(number & SlotMask)];
        return slot.Generation == (uint)(number >> GenerationShift) ? slot.Value : null;
    }

    /// <summary>All holders, as they are now.</summary>
    public T[] ToArray() => [.. _slots.Where(slot => slot.Value is not null).Select(slot => slot.Value!)];

    public void Remove(ulong number)
    {
        int index = (int)(number & SlotMask);
        ref Slot slot = ref _slots[index];
        Debug.Assert(slot.Generation == (uint)(number >> GenerationShift), "Removed by its holder, once.");
        slot.Value = null;
        slot.Generation++;
        _free.Push(index);
    }

    private struct Slot
    {
        public T? Value;
        public uint Generation;
    }
}
