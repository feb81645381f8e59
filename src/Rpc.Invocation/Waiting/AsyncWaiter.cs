using System.Threading.Tasks.Sources;

namespace Kestrel.Rpc.Invocation;

/// <summary>Waits without a thread; pooled, so that a wait allocates nothing.</summary>
internal sealed class AsyncWaiter : SourceWaiter, IValueTaskSource
{
    // More waits at once than this allocate.
    private static readonly BoundedRing<AsyncWaiter> Pool = new(256);

    private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _registration;
    private IReadiness? _awaited;

    private AsyncWaiter()
    {
    }

    /// <summary>Ends when <paramref name="awaited"/> may be ready.</summary>
    /// <exception cref="OperationCanceledException">From the task: cancelled before that.</exception>
    public static ValueTask WaitAsync(IReadiness awaited, CancellationToken cancellation)
    {
        if (awaited.IsReady)
        {
            return default;
        }

        if (cancellation.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellation);
        }

        if (!Pool.TryDequeue(out AsyncWaiter? waiter))
        {
            waiter = new AsyncWaiter();
        }

        return waiter.Start(awaited, cancellation);
    }

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    void IValueTaskSource.GetResult(short token)
    {
        if (_core.GetStatus(token) == ValueTaskSourceStatus.Pending)
        {
            throw new InvalidOperationException("The wait has not ended.");
        }

        _registration.Dispose(); // a cancellation that is just running ends before this returns, so it cannot hit the next wait
        try
        {
            _ = _core.GetResult(token);
        }
        finally
        {
            Recycle();
        }
    }

    protected internal override void OnReady() => _core.SetResult(true);

    private ValueTask Start(IReadiness awaited, CancellationToken cancellation)
    {
        _awaited = awaited;
        awaited.Arm(this);
        if (awaited.IsReady && awaited.Disarm(this))
        {
            Recycle();
            return default;
        }

        if (cancellation.CanBeCanceled)
        {
            _registration = cancellation.UnsafeRegister(static (waiter, token) => ((AsyncWaiter)waiter!).Cancel(token), this);
        }

        return new ValueTask(this, _core.Version);
    }

    private void Cancel(CancellationToken cancellation)
    {
        if (_awaited!.Disarm(this))
        {
            _core.SetException(new OperationCanceledException(cancellation));
        }
    }

    private void Recycle()
    {
        _awaited = null;
        _registration = default;
        _core.Reset();
        _ = Pool.TryEnqueue(this);
    }
}
