using Kestrel.Rpc.Transport.Native;
using static Kestrel.Rpc.Transport.Native.IoUringConstants;

namespace Kestrel.Rpc.Transport;

/// <summary>What the flags of the submission queue tell without a system call, and rings whose requests a kernel thread takes.</summary>
internal sealed unsafe partial class Ring
{
    private uint _knownLost; // of the completions that the kernel counts as lost, those that were told of

    /// <summary>System calls made so far.</summary>
    public long Enters { get; private set; }

    /// <summary>Whether the kernel keeps completions that found no room in their queue. The next enter brings what fits.</summary>
    public bool IsOverflowing => (Volatile.Read(ref *_sqFlags) & IORING_SQ_CQ_OVERFLOW) != 0;

    /// <summary>A kernel thread takes the requests.</summary>
    public bool IsSubmissionPolled => (Parameters.Flags & IORING_SETUP_SQPOLL) != 0;

    /// <summary>That thread has had nothing to do for its idle time; the next request wakes it with a system call.</summary>
    public bool IsSubmissionThreadAsleep => (Volatile.Read(ref *_sqFlags) & IORING_SQ_NEED_WAKEUP) != 0;

    // Without either of the first two flags completions interrupt the thread and need no telling.
    private bool TellsOfCompletions =>
        (Parameters.Flags & (IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN)) == 0
        || (Parameters.Flags & IORING_SETUP_TASKRUN_FLAG) != 0;

    /// <summary>
    /// Whether the kernel has lost completions since this was last asked: it had no memory to keep them. An enter that blocks
    /// fails with EBADR then, others say nothing; the counter tells with either, and without any.
    /// </summary>
    public bool TakeLoss()
    {
        uint lost = Volatile.Read(ref *_cqOverflow);
        bool isNew = lost != _knownLost;
        _knownLost = lost;
        return isNew;
    }

    /// <summary>Completions that only an enter brings.</summary>
    private bool HasWorkForEnter() => (Volatile.Read(ref *_sqFlags) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;

    private bool HasCompletions => *_cqHead != Volatile.Read(ref *_cqTail);

    /// <summary>Shows the kernel thread what is queued, and enters only to wake it, to wait, or for completions that overflowed.</summary>
    private int EnterPolled(uint minComplete)
    {
        uint flags = PublishPolled() | (HasWorkForEnter() ? IORING_ENTER_GETEVENTS : 0);
        if (minComplete > 0 && !HasCompletions)
        {
            flags |= IORING_ENTER_GETEVENTS;
        }
        else
        {
            minComplete = 0;
        }

        int result = flags == 0 ? 0 : CallKernel(0, minComplete, flags);
        return result < 0 ? result : 0;
    }

    private bool MakeRoomPolled()
    {
        _ = CallKernel(0, 0, PublishPolled() | IORING_ENTER_SQ_WAIT); // interrupted: then the request waits for the next turn
        return !IsFull;
    }

    /// <summary>Publishes the queue's tail; returns the flag that wakes the kernel thread if it sleeps.</summary>
    private uint PublishPolled()
    {
        if (_tail == _submitted)
        {
            return 0;
        }

        Volatile.Write(ref *_sqTail, _tail);
        _submitted = _tail;

        // The kernel thread says that it sleeps, then looks at the tail once more; a full fence on both sides.
        Interlocked.MemoryBarrier();
        return IsSubmissionThreadAsleep ? IORING_ENTER_SQ_WAKEUP : 0;
    }

    private int CallKernel(uint submit, uint minComplete, uint flags)
    {
        Enters++;
        return Libc.IoUringEnter(Descriptor, submit, minComplete, flags);
    }
}
