namespace Kestrel.Rpc.Invocation;

/// <summary>
/// Stands for one reply that is to come, so that the garbage collector can tell when it is lost: nothing refers to it but the
/// <see cref="DeferredReply{TRet}"/>, or the asynchronous method that is going to reply. Used again and again as long as replies are given.
/// </summary>
internal sealed class ReplyTicket<TRet>
{
    // As many as wait for a reply at once without allocations; each is 32 bytes.
    private static readonly BoundedRing<ReplyTicket<TRet>> Pool = new(1024);

    private ReplyTarget<TRet>? _target;
    private long _token;

    private ReplyTicket()
    {
    }

    ~ReplyTicket()
    {
        if (_target is not null)
        {
            // The callback is anybody's code, and the finalizer's thread is not the place for it.
            ThreadPool.UnsafeQueueUserWorkItem(
                static lost => lost.Target.TryReply(lost.Token, new InvocationResult<TRet>(new InvocationDroppedException("The deferred reply was lost: nobody can give it any more."))),
                (Target: _target, Token: _token),
                preferLocal: false);
        }
    }

    public static ReplyTicket<TRet> Rent(ReplyTarget<TRet> target, long token)
    {
        if (!Pool.TryDequeue(out ReplyTicket<TRet>? ticket))
        {
            ticket = new ReplyTicket<TRet>();
        }

        ticket._token = token;
        ticket._target = target;
        return ticket;
    }

    /// <summary>The reply was given, or somebody else sees to it. By whoever holds the ticket, once.</summary>
    public void Return()
    {
        _target = null;
        if (Pool.TryEnqueue(this) != RingStatus.Done)
        {
#pragma warning disable CA1816 // not Dispose, but the same: nothing is left for the finalizer
            GC.SuppressFinalize(this);
#pragma warning restore CA1816
        }
    }
}
