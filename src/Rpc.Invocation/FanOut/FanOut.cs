using System.Runtime.CompilerServices;

namespace Kestrel.Rpc.Invocation;

/// <summary>
/// A handler that gives its calls to several back ends. Each has a bounded queue and a number of workers; a call goes to the one with the least to do,
/// and a back end that is idle takes calls that wait for a busy one.
/// </summary>
/// <remarks>
/// <para>When every queue is full, whoever hands a call in waits for room (or the call is rejected, by option): the pressure reaches the sources.</para>
/// <para>What a back end throws is its call's answer. One that stalls keeps the call it has; what waits behind it the others take. One that dies
/// (<see cref="BackEndDownException"/>) or is removed leaves its calls to the others.</para>
/// <para>Workers run on the thread pool. Any thread.</para>
/// </remarks>
/// <typeparam name="TArg">The argument.</typeparam>
/// <typeparam name="TRet">The reply.</typeparam>
public sealed partial class FanOut<TArg, TRet> : IInvocationHandler<TArg, TRet>, IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly List<Task> _workers = []; // under the lock
    private readonly WaiterList _roomWaiters = new();
    private readonly RoomReadiness _room;
    private readonly int _queueCapacity;
    private readonly bool _isStealing;
    private readonly bool _rejectsWhenFull;
    private readonly Action<Exception>? _onFault;
    private BackEnd[] _backEnds = []; // replaced, never changed
    private uint _turn;
    private volatile bool _isStopping;

    /// <param name="options">Default: <see cref="FanOutOptions"/> as they are.</param>
    /// <exception cref="ArgumentOutOfRangeException">The capacity is below 1.</exception>
    public FanOut(FanOutOptions? options = null)
    {
        options ??= new FanOutOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.QueueCapacity, 1, nameof(options));
        _queueCapacity = options.QueueCapacity;
        _isStealing = options.Stealing;
        _rejectsWhenFull = options.RejectsWhenFull;
        _onFault = options.OnFault;
        _room = new RoomReadiness(this);
    }

    /// <summary>The back ends that get calls now.</summary>
    public IReadOnlyList<FanOutBackEnd> BackEnds => Volatile.Read(ref _backEnds);

    /// <summary>Adds a back end. Any thread, at any time before the end.</summary>
    /// <param name="handler">Handles the calls, <paramref name="concurrency"/> of them at once.</param>
    /// <param name="concurrency">How many calls it handles at once. At least 1.</param>
    /// <returns>Its counters, and what <see cref="Remove"/> takes.</returns>
    /// <exception cref="InvalidOperationException">The fan-out was stopped.</exception>
    public FanOutBackEnd Add(IInvocationHandler<TArg, TRet> handler, int concurrency = 1)
    {
        ArgumentNullException.ThrowIfNull(handler);
        ArgumentOutOfRangeException.ThrowIfLessThan(concurrency, 1);
        var backEnd = new BackEnd(this, handler, _queueCapacity);
        lock (_lock)
        {
            if (_isStopping)
            {
                throw new InvalidOperationException("The fan-out was stopped.");
            }

            Volatile.Write(ref _backEnds, [.. _backEnds, backEnd]);
            for (int worker = 0; worker < concurrency; worker++)
            {
                Start(backEnd.WorkAsync);
            }
        }

        _roomWaiters.SignalAll();
        return backEnd;
    }

    /// <summary>Takes a back end out: it ends what it is handling, and the calls that wait for it go to the others.</summary>
    /// <param name="backEnd">Of this fan-out.</param>
    /// <returns>False: it was out already.</returns>
    public bool Remove(FanOutBackEnd backEnd)
    {
        if (backEnd is not BackEnd mine || !TakeOut(mine))
        {
            return false;
        }

        lock (_lock)
        {
            Start(mine.GiveAwayAsync);
        }

        return true;
    }

    /// <summary>Hands a call in: ends when it is in a queue, or was answered with an <see cref="InvocationRejectedException"/>.</summary>
    /// <param name="invocation">The call.</param>
    /// <returns>Ends when the call has found a place.</returns>
    public ValueTask HandleAsync(Invocation<TArg, TRet> invocation) =>
        TryPlace(in invocation) == Placement.Placed ? default : PlaceAsync(invocation);

    /// <summary>Takes no more calls, and ends when those that were handed in have been handled.</summary>
    /// <param name="cancellationToken">
    /// Ends the wait: the calls that still wait fail with <see cref="InvocationRejectedException"/>, those that are being handled go on.
    /// </param>
    /// <returns>Ends with the last worker, or when cancelled (without an exception).</returns>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        BackEnd[] backEnds;
        Task workers;
        lock (_lock)
        {
            _isStopping = true;
            backEnds = _backEnds;
            workers = Task.WhenAll(_workers);
        }

        foreach (BackEnd backEnd in backEnds)
        {
            backEnd.Queue.Close();
        }

        _roomWaiters.SignalAll();
        try
        {
            await workers.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            foreach (BackEnd backEnd in backEnds)
            {
                backEnd.RejectWaiting();
            }
        }
    }

    /// <summary>As <see cref="StopAsync"/> without waiting: calls that wait are rejected, those that are being handled go on.</summary>
    /// <returns>Ends at once.</returns>
    public async ValueTask DisposeAsync() => await StopAsync(new CancellationToken(canceled: true)).ConfigureAwait(false);

    // Under the lock.
    private void Start(Func<Task> work)
    {
        _workers.RemoveAll(worker => worker.IsCompletedSuccessfully);
        _workers.Add(Task.Run(work));
    }

    private bool TakeOut(BackEnd backEnd)
    {
        lock (_lock)
        {
            if (!_backEnds.Contains(backEnd))
            {
                return false;
            }

            Volatile.Write(ref _backEnds, Array.FindAll(_backEnds, other => other != backEnd));
        }

        backEnd.Queue.Close();
        backEnd.Queue.Receivers.SignalAll();
        _roomWaiters.SignalAll(); // it may have been the last
        return true;
    }

    /// <summary>Gives the call to the back end with the least to do that has room. The turn decides between equals.</summary>
    private Placement TryPlace(in Invocation<TArg, TRet> invocation)
    {
        BackEnd[] backEnds = Volatile.Read(ref _backEnds);
        if (backEnds.Length == 0 || _isStopping)
        {
            return Placement.NoBackEnd;
        }

        Invocation<TArg, TRet> forwarded = invocation.Forward();
        uint turn = Interlocked.Increment(ref _turn);
        if (LeastLoaded(backEnds, turn).TryEnqueue(in forwarded))
        {
            return Placement.Placed;
        }

        for (uint index = 0; index < backEnds.Length; index++)
        {
            if (backEnds[(turn + index) % backEnds.Length].TryEnqueue(in forwarded))
            {
                return Placement.Placed;
            }
        }

        Invocation<TArg, TRet>.TakeBack(in forwarded);
        return Placement.Full;
    }

    private static BackEnd LeastLoaded(BackEnd[] backEnds, uint turn)
    {
        BackEnd least = backEnds[turn % backEnds.Length];
        int load = least.Load;
        for (uint index = 1; index < backEnds.Length && load > 0; index++)
        {
            BackEnd other = backEnds[(turn + index) % backEnds.Length];
            int otherLoad = other.Load;
            if (otherLoad < load)
            {
                (least, load) = (other, otherLoad);
            }
        }

        return least;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask PlaceAsync(Invocation<TArg, TRet> invocation)
    {
        while (true)
        {
            Placement placement;
            try
            {
                placement = TryPlace(in invocation);
            }
            catch (InvalidOperationException)
            {
                _roomWaiters.SignalOne(); // answered by somebody else while it waited: the room is for the next one
                throw;
            }

            if (placement == Placement.Placed)
            {
                return;
            }

            if (placement == Placement.NoBackEnd)
            {
                InvocationHandler.Refuse(in invocation, new InvocationRejectedException("There is no back end that takes the call."), _onFault);
                return;
            }

            if (_rejectsWhenFull)
            {
                InvocationHandler.Refuse(in invocation, new InvocationRejectedException("All back ends are busy and their queues full."), _onFault);
                return;
            }

            await AsyncWaiter.WaitAsync(_room, invocation.CancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Wakes an idle worker of another back end, for a call that waits for <paramref name="busy"/>.</summary>
    private void WakeThief(BackEnd busy)
    {
        foreach (BackEnd other in Volatile.Read(ref _backEnds))
        {
            if (other != busy && other.Queue.Receivers.HasWaiters && other.Queue.Receivers.SignalOne())
            {
                return;
            }
        }
    }

    private enum Placement
    {
        Placed,
        Full,
        NoBackEnd,
    }

    private sealed class RoomReadiness(FanOut<TArg, TRet> owner) : IReadiness
    {
        public bool IsReady
        {
            get
            {
                BackEnd[] backEnds = Volatile.Read(ref owner._backEnds);
                return backEnds.Length == 0 || owner._isStopping || Array.Exists(backEnds, backEnd => backEnd.Queue.Room.IsReady);
            }
        }

        public void Arm(SourceWaiter waiter) => owner._roomWaiters.Add(waiter);

        public bool Disarm(SourceWaiter waiter) => owner._roomWaiters.Remove(waiter);
    }
}
