namespace Kestrel.Rpc.Invocation;

/// <summary>One back end of a <see cref="FanOut{TArg, TRet}"/>: what it has done so far. Snapshots, from any thread.</summary>
public abstract class FanOutBackEnd
{
    private long _handled;
    private long _stolen;
    private int _running;
    private Exception? _fault;

    private protected FanOutBackEnd()
    {
    }

    /// <summary>How many calls wait for it.</summary>
    public abstract int Queued { get; }

    /// <summary>How many calls it is handling now.</summary>
    public int Running => Volatile.Read(ref _running);

    /// <summary>How many calls it has begun to handle.</summary>
    public long Handled => Volatile.Read(ref _handled);

    /// <summary>How many of those had waited for another one.</summary>
    public long Stolen => Volatile.Read(ref _stolen);

    /// <summary>Whether it gets no more calls: it was removed, or has thrown <see cref="BackEndDownException"/>.</summary>
    public abstract bool IsDown { get; }

    /// <summary>Why it went down by itself, if it did.</summary>
    public Exception? Fault => Volatile.Read(ref _fault);

    private protected void Begin(bool isStolen)
    {
        Interlocked.Increment(ref _running);
        Interlocked.Increment(ref _handled);
        if (isStolen)
        {
            Interlocked.Increment(ref _stolen);
        }
    }

    private protected void End() => Interlocked.Decrement(ref _running);

    private protected void Fail(Exception fault) => Interlocked.CompareExchange(ref _fault, fault, null);
}
