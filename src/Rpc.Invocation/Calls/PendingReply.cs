using System.Threading.Tasks.Sources;

namespace Kestrel.Rpc.Invocation;

/// <summary>
/// A caller's wait for its reply: the receiver of the reply on one side, the task that the caller awaits on the other. Pooled.
/// </summary>
/// <remarks>
/// Without cancellation the caller alone gives it back, when it has read the result, which the replier has written before. With
/// cancellation there are two holders, since either may be the last: a caller that was cancelled leaves, and the reply comes later.
/// </remarks>
internal sealed class PendingReply<TRet> : ReplyTarget<TRet>, IValueTaskSource<TRet>
{
    private const int Waiting = 0;
    private const int Ended = 1;

    private ManualResetValueTaskSourceCore<TRet> _core;
    private CancellationToken _cancellation;
    private CancellationTokenRegistration _registration;
    private int _end; // only with cancellation: who sets it writes the result
    private int _holders; // only with cancellation
    private int _unread; // the version whose result may be read, by one caller; 0: none

    /// <summary>The next one in the list of the thread that has them.</summary>
    public PendingReply<TRet>? NextInPool { get; set; }

    /// <summary>What the caller awaits, once.</summary>
    public ValueTask<TRet> Task => new(this, _core.Version);

    /// <summary>Whether the reply is there. By the caller, before it has read it.</summary>
    public bool IsEnded => _core.GetStatus(_core.Version) != ValueTaskSourceStatus.Pending;

    protected override CancellationToken CallerCancellation => _cancellation;

    /// <param name="continuesInline">Whether the caller's code may continue on the thread of the replier.</param>
    /// <param name="cancellation">The caller's; <see cref="Watch"/> begins to listen to it.</param>
    public static PendingReply<TRet> Rent(bool continuesInline, CancellationToken cancellation)
    {
        PendingReply<TRet> pending = PendingReplyPool<TRet>.Rent();
        pending._core.RunContinuationsAsynchronously = !continuesInline;
        pending._unread = Unread(pending._core.Version);
        if (cancellation.CanBeCanceled)
        {
            pending._cancellation = cancellation;
            pending._end = Waiting;
            pending._holders = 2;
        }

        return pending;
    }

    /// <summary>The invocation whose reply this takes.</summary>
    public Invocation<TArg, TRet> Begin<TArg>(TArg argument) => new(argument, this, Arm());

    /// <summary>Ends the wait when the token is cancelled. By the caller, before it awaits.</summary>
    public void Watch(CancellationToken cancellation)
    {
        if (cancellation.CanBeCanceled)
        {
            _registration = cancellation.UnsafeRegister(static (pending, token) => ((PendingReply<TRet>)pending!).Cancel(token), this);
        }
    }

    /// <summary>Neither the invocation nor the task was given to anybody: as if there had been no call.</summary>
    public void Abandon()
    {
        Disarm();
        _unread = 0;
        _cancellation = default;
        Recycle();
    }

    ValueTaskSourceStatus IValueTaskSource<TRet>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<TRet>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    TRet IValueTaskSource<TRet>.GetResult(short token)
    {
        if (_core.GetStatus(token) == ValueTaskSourceStatus.Pending)
        {
            throw new InvalidOperationException("The reply is not there yet: await the task.");
        }

        // GetStatus finds one await after the other; this finds two at the same time.
        if (Interlocked.CompareExchange(ref _unread, 0, Unread(token)) != Unread(token))
        {
            throw new InvalidOperationException("The reply has been read already: a call's task is awaited once.");
        }

        if (_cancellation.CanBeCanceled)
        {
            return GetCancellableResult(token);
        }

        try
        {
            return _core.GetResult(token);
        }
        finally
        {
            Recycle();
        }
    }

    protected override void OnReply(in InvocationResult<TRet> result)
    {
        if (!_cancellation.CanBeCanceled)
        {
            Publish(in result); // the caller's from here on
        }
        else
        {
            if (Interlocked.Exchange(ref _end, Ended) == Waiting)
            {
                Publish(in result);
            }

            Release();
        }
    }

    private void Publish(in InvocationResult<TRet> result)
    {
        if (result.Error is { } error)
        {
            _core.SetException(error);
        }
        else
        {
            _core.SetResult(result.Value);
        }
    }

    private TRet GetCancellableResult(short token)
    {
        _registration.Dispose(); // a cancellation that is just running ends before this returns, so it cannot hit the next call
        try
        {
            return _core.GetResult(token);
        }
        finally
        {
            Release();
        }
    }

    private void Cancel(CancellationToken cancellation)
    {
        if (Interlocked.Exchange(ref _end, Ended) == Waiting)
        {
            _core.SetException(new OperationCanceledException(cancellation));
        }
    }

    private void Release()
    {
        if (Interlocked.Decrement(ref _holders) == 0)
        {
            _cancellation = default;
            _registration = default;
            Recycle();
        }
    }

    private static int Unread(short version) => (ushort)version | 0x10000;

    private void Recycle()
    {
        _core.Reset();
        PendingReplyPool<TRet>.Return(this);
    }
}
