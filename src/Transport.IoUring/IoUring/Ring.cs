using System.Diagnostics;
using Kestrel.Rpc.Transport.Native;
using static Kestrel.Rpc.Transport.Native.IoUringConstants;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// One io_uring: the mapped submission and completion queues. Used by the thread that created it and no other
/// (the kernel enforces it: SINGLE_ISSUER).
/// </summary>
internal sealed unsafe partial class Ring : IDisposable
{
    private readonly DescriptorHandle _handle;
    private readonly MappedMemory _rings;
    private readonly MappedMemory _entries;

    private readonly uint* _sqHead;
    private readonly uint* _sqTail;
    private readonly uint* _sqFlags;
    private readonly uint _sqMask;
    private readonly uint _sqEntries;
    private readonly IoUringSqe* _sqes;

    private readonly uint* _cqHead;
    private readonly uint* _cqTail;
    private readonly uint* _cqOverflow;
    private readonly uint _cqMask;
    private readonly IoUringCqe* _cqes;

    // What found no room in the submission queue and will go first with the next enter. Empty but in floods.
    private readonly Queue<IoUringSqe> _waiting = new();
    private uint _tail; // our own copy of the queue's tail
    private uint _submitted; // the tail up to which the kernel has taken entries

    /// <summary>Takes over a ring that the kernel has just set up.</summary>
    /// <exception cref="IOException">The kernel refuses to map it.</exception>
    public Ring(DescriptorHandle handle, in IoUringParams parameters)
    {
        _handle = handle;
        Parameters = parameters;

        uint sqSize = parameters.SqOff.Array + (parameters.SqEntries * sizeof(uint));
        uint cqSize = parameters.CqOff.Cqes + (parameters.CqEntries * (uint)sizeof(IoUringCqe));
        _rings = MappedMemory.OfDescriptor(Descriptor, Math.Max(sqSize, cqSize), IORING_OFF_SQ_RING);
        _entries = MappedMemory.OfDescriptor(Descriptor, parameters.SqEntries * (uint)sizeof(IoUringSqe), IORING_OFF_SQES);

        byte* rings = _rings.Address;
        _sqHead = (uint*)(rings + parameters.SqOff.Head);
        _sqTail = (uint*)(rings + parameters.SqOff.Tail);
        _sqFlags = (uint*)(rings + parameters.SqOff.Flags);
        _sqMask = *(uint*)(rings + parameters.SqOff.RingMask);
        _sqEntries = parameters.SqEntries;
        _sqes = (IoUringSqe*)_entries.Address;
        _cqHead = (uint*)(rings + parameters.CqOff.Head);
        _cqTail = (uint*)(rings + parameters.CqOff.Tail);
        _cqOverflow = (uint*)(rings + parameters.CqOff.Overflow);
        _cqMask = *(uint*)(rings + parameters.CqOff.RingMask);
        _cqes = (IoUringCqe*)(rings + parameters.CqOff.Cqes);

        if ((parameters.Flags & IORING_SETUP_NO_SQARRAY) == 0)
        {
            // Before Linux 6.6 the kernel goes through an index array: entry i is always at place i.
            uint* array = (uint*)(rings + parameters.SqOff.Array);
            for (uint i = 0; i < _sqEntries; i++)
            {
                array[i] = i;
            }
        }
    }

    /// <summary>What the kernel granted: sizes, flags, features.</summary>
    public IoUringParams Parameters { get; }

    public int Descriptor => (int)_handle.DangerousGetHandle();

    /// <summary>Queues a request; the kernel sees it with the next <see cref="Enter"/>, or at once when the queue is full.</summary>
    public void Add(in IoUringSqe request)
    {
        if (_waiting.Count > 0 || (IsFull && !MakeRoom()))
        {
            _waiting.Enqueue(request); // behind those that wait already: order is kept
            return;
        }

        Put(request);
    }

    /// <summary>
    /// Hands all queued requests to the kernel and takes its completions, waiting for at least one if
    /// <paramref name="wait"/>. 0, or a negated error number.
    /// </summary>
    public int Enter(bool wait)
    {
        while (_waiting.Count > 0 && (!IsFull || MakeRoom()))
        {
            Put(_waiting.Dequeue());
        }

        // Completions first where requests still wait for room: only they can make some.
        uint minComplete = wait && _waiting.Count == 0 ? 1u : 0u;
        if (IsSubmissionPolled)
        {
            return EnterPolled(minComplete);
        }

        if (minComplete == 0 && _tail == _submitted && TellsOfCompletions && !HasWorkForEnter())
        {
            return 0;
        }

        int result = Submit(minComplete, IORING_ENTER_GETEVENTS);
        return result < 0 ? result : 0;
    }

    /// <summary>Copies the oldest completion; it stays in the queue until <see cref="Advance"/>.</summary>
    public bool TryPeek(uint offset, out IoUringCqe completion)
    {
        uint head = *_cqHead + offset;
        if (head == Volatile.Read(ref *_cqTail))
        {
            completion = default;
            return false;
        }

        completion = _cqes[head & _cqMask];
        return true;
    }

    /// <summary>Gives <paramref name="count"/> places of the completion queue back to the kernel.</summary>
    public void Advance(uint count) => Volatile.Write(ref *_cqHead, *_cqHead + count);

    public void Dispose()
    {
        _entries.Dispose();
        _rings.Dispose();
        _handle.Dispose();
    }

    private bool IsFull => _tail - Volatile.Read(ref *_sqHead) == _sqEntries;

    private void Put(in IoUringSqe request)
    {
        _sqes[_tail & _sqMask] = request;
        _tail++;
    }

    /// <summary>Makes the kernel take what is queued, without looking at completions.</summary>
    private bool MakeRoom()
    {
        if (IsSubmissionPolled)
        {
            return MakeRoomPolled();
        }

        _ = Submit(minComplete: 0, flags: 0); // refused while completions overflow: then the request waits
        return !IsFull;
    }

    private int Submit(uint minComplete, uint flags)
    {
        Volatile.Write(ref *_sqTail, _tail);
        int result = CallKernel(_tail - _submitted, minComplete, flags);
        if (result > 0)
        {
            _submitted += (uint)result;
        }

        Debug.Assert(_tail - _submitted <= _sqEntries, "The kernel takes no more than it was given.");
        return result;
    }
}
