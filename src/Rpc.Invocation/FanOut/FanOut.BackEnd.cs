namespace Kestrel.Rpc.Invocation;

public sealed partial class FanOut<TArg, TRet>
{
    /// <summary>A handler, the calls that wait for it, and its workers. Idle workers wait at its own queue.</summary>
    private sealed class BackEnd(FanOut<TArg, TRet> owner, IInvocationHandler<TArg, TRet> handler, int capacity) : FanOutBackEnd, IReadiness
    {
        public InvocationQueue<TArg, TRet> Queue { get; } = new(capacity);

        public override int Queued => Queue.Count;

        public override bool IsDown => !owner._backEnds.Contains(this);

        public int Load => Queue.Count + Running;

        /// <summary>For a worker: whether to look again, for a call here, for one to steal, or for the end.</summary>
        bool IReadiness.IsReady => Queue.IsReady || Queue.IsClosed || FindVictim() is not null;

        /// <summary>Puts in a call that was forwarded to this fan-out.</summary>
        public bool TryEnqueue(in Invocation<TArg, TRet> invocation)
        {
            if (Queue.TryEnqueue(in invocation, out bool hasWoken) != RingStatus.Done)
            {
                return false;
            }

            if (!hasWoken && owner._isStealing)
            {
                owner.WakeThief(this);
            }

            return true;
        }

        /// <summary>One worker: a call at a time, its own first, then those of others.</summary>
        public async Task WorkAsync()
        {
            while (!IsDown)
            {
                if (TryTake(out Invocation<TArg, TRet> invocation))
                {
                    if (!await HandleAsync(invocation).ConfigureAwait(false))
                    {
                        owner.TakeOut(this);
                        await owner.MoveAsync(invocation).ConfigureAwait(false);
                        await GiveAwayAsync().ConfigureAwait(false);
                        return;
                    }
                }
                else if (Queue.IsDrained)
                {
                    return;
                }
                else
                {
                    await AsyncWaiter.WaitAsync(this, CancellationToken.None).ConfigureAwait(false);
                }
            }
        }

        /// <summary>The others get the calls that wait here. The queue is closed.</summary>
        public async Task GiveAwayAsync()
        {
            while (!Queue.IsDrained)
            {
                if (Queue.TryDequeue(out Invocation<TArg, TRet> invocation))
                {
                    await owner.MoveAsync(invocation).ConfigureAwait(false);
                }
                else
                {
                    await Task.Yield(); // somebody has taken a place and is just writing the call into it
                }
            }
        }

        /// <summary>Nobody gets the calls that wait here. The queue is closed.</summary>
        public void RejectWaiting()
        {
            while (!Queue.IsDrained)
            {
                if (Queue.TryDequeue(out Invocation<TArg, TRet> invocation))
                {
                    InvocationHandler.Refuse(
                        in invocation, new InvocationRejectedException("The fan-out was stopped before a back end took the call."), owner._onFault);
                }
                else
                {
                    _ = Thread.Yield(); // as above
                }
            }
        }

        void IReadiness.Arm(SourceWaiter waiter) => Queue.Receivers.Add(waiter);

        bool IReadiness.Disarm(SourceWaiter waiter) => Queue.Receivers.Remove(waiter);

        private bool TryTake(out Invocation<TArg, TRet> invocation)
        {
            BackEnd from = this;
            bool isTaken = Queue.TryDequeue(out invocation);
            while (!isTaken && FindVictim() is { } victim)
            {
                from = victim;
                isTaken = victim.Queue.TryDequeue(out invocation);
            }

            if (!isTaken)
            {
                return false;
            }

            Begin(isStolen: from != this);
            if (owner._roomWaiters.HasWaiters) // after the fence of TryDequeue
            {
                owner._roomWaiters.SignalOne();
            }

            return true;
        }

        /// <summary>The one with most calls waiting.</summary>
        private BackEnd? FindVictim()
        {
            if (!owner._isStealing)
            {
                return null;
            }

            BackEnd? victim = null;
            int most = 0;
            foreach (BackEnd other in Volatile.Read(ref owner._backEnds))
            {
                int queued = other == this || !other.Queue.HasItem ? 0 : other.Queue.Count;
                if (queued > most)
                {
                    (victim, most) = (other, queued);
                }
            }

            return victim;
        }

        /// <returns>False: the back end is down and has not handled the call.</returns>
        private async ValueTask<bool> HandleAsync(Invocation<TArg, TRet> invocation)
        {
            try
            {
                await handler.HandleAsync(invocation).ConfigureAwait(false);
            }
            catch (BackEndDownException down) when (invocation.IsOpen)
            {
                Fail(down);
                return false;
            }
            catch (Exception exception)
            {
                // Whatever a back end throws fails its call, and no other.
                InvocationHandler.Fail(invocation, exception, owner._onFault);
                return true;
            }
            finally
            {
                End();
            }

            InvocationHandler.Drop(in invocation, owner._onFault);
            return true;
        }
    }

    /// <summary>Gives a call of a back end that is down to another one. Nobody hands it in, so a call that finds no room waits here.</summary>
    private async ValueTask MoveAsync(Invocation<TArg, TRet> invocation)
    {
        try
        {
            await PlaceAsync(invocation).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // Cancelled by its caller, or answered meanwhile by the back end that could not.
            InvocationHandler.Refuse(in invocation, exception, _onFault);
        }
    }
}
