namespace Kestrel.Rpc.Invocation;

/// <summary>
/// The waits of callers that are not in use: a few of each thread's own, and a bounded number for all. A caller that also reads its
/// replies takes and returns without sharing anything.
/// </summary>
internal static class PendingReplyPool<TRet>
{
    // About 20 KB a thread and 150 KB in all. More calls than that at once allocate.
    private const int MaxOfThread = 128;
    private const int MaxOfAll = 1024;

    private static readonly BoundedRing<PendingReply<TRet>> Shared = new(MaxOfAll);

    [ThreadStatic]
    private static Cache? t_mine;

    public static PendingReply<TRet> Rent()
    {
        if (t_mine is { First: { } first } mine)
        {
            mine.First = first.NextInPool;
            mine.Count--;
            first.NextInPool = null;
            return first;
        }

        return Shared.TryDequeue(out PendingReply<TRet>? pending) ? pending : new PendingReply<TRet>();
    }

    public static void Return(PendingReply<TRet> pending)
    {
        Cache mine = t_mine ??= new Cache();
        if (mine.Count < MaxOfThread)
        {
            pending.NextInPool = mine.First;
            mine.First = pending;
            mine.Count++;
        }
        else
        {
            _ = Shared.TryEnqueue(pending); // full: there are enough
        }
    }

    private sealed class Cache
    {
        public PendingReply<TRet>? First { get; set; }

        public int Count { get; set; }
    }
}
