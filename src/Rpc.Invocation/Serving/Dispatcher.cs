using System.Diagnostics.CodeAnalysis;

namespace Kestrel.Rpc.Invocation;

/// <summary>
/// Starts handlers for one receiving loop and counts those that have not ended. Only the loop starts, so the bound holds; handlers end
/// on any thread.
/// </summary>
internal sealed class Dispatcher<TArg, TRet>(IInvocationHandler<TArg, TRet> handler, int maxConcurrency, Action<Exception>? onFault)
    : IReadiness, IHandlerOwner
{
    private readonly WaiterList _waiters = new();
    private int _running;
    private int _awaitedRunning; // IsReady when no more than this many run

    /// <summary>Whether one more handler may be started.</summary>
    public bool HasRoom => Volatile.Read(ref _running) < maxConcurrency;

    public bool IsIdle => Volatile.Read(ref _running) == 0;

    bool IReadiness.IsReady => Volatile.Read(ref _running) <= _awaitedRunning;

    /// <summary>To wait until one more may be started. One wait at a time.</summary>
    public IReadiness Room => Await(maxConcurrency - 1);

    /// <summary>To wait until all have ended. One wait at a time.</summary>
    public IReadiness Idle => Await(0);

    [SuppressMessage("Reliability", "CA2012", Justification = "Awaited once, here or by the watch.")]
    public void Start(in Invocation<TArg, TRet> invocation)
    {
        ValueTask handling = handler.DispatchAsync(invocation, onFault);
        if (handling.IsCompleted)
        {
            handling.GetAwaiter().GetResult();
        }
        else
        {
            Interlocked.Increment(ref _running);
            HandlerWatch.Start(in handling, this);
        }
    }

    void IReadiness.Arm(SourceWaiter waiter) => _waiters.Add(waiter);

    bool IReadiness.Disarm(SourceWaiter waiter) => _waiters.Remove(waiter);

    void IHandlerOwner.OnHandlerEnded()
    {
        // The decrement is the full fence before the look at the waiters.
        if (Interlocked.Decrement(ref _running) <= Volatile.Read(ref _awaitedRunning) && _waiters.HasWaiters)
        {
            _waiters.SignalOne();
        }
    }

    private Dispatcher<TArg, TRet> Await(int running)
    {
        _awaitedRunning = running;
        return this;
    }
}
