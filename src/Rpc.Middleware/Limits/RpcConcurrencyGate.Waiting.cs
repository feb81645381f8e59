using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <content>Calls that wait for their turn.</content>
internal sealed partial class RpcConcurrencyGate
{
    private readonly Lock _lock = new();
    private readonly RpcCallLine _queue; // changed under the lock
    private int _waiting; // its length, for those without the lock

    /// <summary>Calls that wait.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    public override void Wait(RpcServedCall call)
    {
        RpcWaitingCall waiting = new(call, this);

        // Before it stands in line: once it does, others may end its waiting, and the registration with it.
        waiting.Registration = call.CancellationToken.UnsafeRegister(static waiting => ((RpcWaitingCall)waiting!).GiveUp(), waiting);
        RpcWaitingCall? dropped = null;
        lock (_lock)
        {
            if (waiting.State == RpcWaitingState.GivenUp)
            {
                dropped = waiting;
            }
            else
            {
                dropped = _queue.Add(waiting);
                Volatile.Write(ref _waiting, _queue.Count);
            }
        }

        if (dropped is not null)
        {
            Drop(dropped, dropped.State == RpcWaitingState.GivenUp ? Because(dropped.Call.CancelledWith) : TooManyWait);
        }

        Interlocked.MemoryBarrier(); // pairs with the decrement in Leave
        LetIn();
    }

    /// <summary>Ends the waiting of a call that was cancelled, unless its turn has come.</summary>
    public void GiveUp(RpcWaitingCall waiting)
    {
        lock (_lock)
        {
            if (waiting.State != RpcWaitingState.InLine)
            {
                // Not in line yet: then whoever puts it there sees this.
                waiting.State = waiting.State == RpcWaitingState.New ? RpcWaitingState.GivenUp : waiting.State;
                return;
            }

            _queue.Remove(waiting);
            Volatile.Write(ref _waiting, _queue.Count);
        }

        Drop(waiting, Because(waiting.Call.CancelledWith));
    }

    private static void Drop(RpcWaitingCall waiting, RpcFault fault)
    {
        waiting.Registration.Unregister();
        waiting.Call.Refuse(fault);
    }

    // Gives places that are free to those who wait. The calls run on other threads: this one may be in the middle of ending a call.
    private void LetIn()
    {
        while (true)
        {
            RpcWaitingCall next;
            lock (_lock)
            {
                if (_queue.First is not { } first || !TryTake(first.Call.Priority))
                {
                    return;
                }

                _queue.Remove(first);
                Volatile.Write(ref _waiting, _queue.Count);
                next = first;
            }

            next.Registration.Unregister();
            next.Call.WaitedUntil = _time.GetTimestamp();
            OnPlaceTaken(next.Call);
            ThreadPool.UnsafeQueueUserWorkItem(next, preferLocal: false);
        }
    }
}
