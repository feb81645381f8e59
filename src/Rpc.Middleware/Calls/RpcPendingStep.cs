using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// A part of a pipeline that is still pending, as its caller sees it: ends as the part does, after the part was counted as ended.
/// Belongs to one call and is used again by it; an async method would be a new object for most parts of most calls. Free again
/// when its result was taken, on whatever thread.
/// </summary>
internal sealed class RpcPendingStep : IValueTaskSource
{
    private readonly RpcCall _call;
    private readonly Action _onEnded;
    private ManualResetValueTaskSourceCore<bool> _ended; // a mutable struct: not readonly
    private ConfiguredValueTaskAwaitable.ConfiguredValueTaskAwaiter _awaiter;
    private int _isUsed = 1;

    public RpcPendingStep(RpcCall call)
    {
        _call = call;
        _onEnded = OnEnded;
    }

    /// <summary>The next one of the same call.</summary>
    public RpcPendingStep? Next { get; set; }

    /// <summary>Takes it, if it is free.</summary>
    public bool TryTake() => Volatile.Read(ref _isUsed) == 0 && Interlocked.CompareExchange(ref _isUsed, 1, 0) == 0;

    /// <summary>Ends when that task does. Only for who has taken it.</summary>
    public ValueTask Follow(ValueTask running)
    {
        short token = _ended.Version;

        // A copy: once the continuation is registered, this object may already belong to someone else.
        ConfiguredValueTaskAwaitable.ConfiguredValueTaskAwaiter awaiter = running.ConfigureAwait(false).GetAwaiter();
        _awaiter = awaiter;
        awaiter.UnsafeOnCompleted(_onEnded);
        return new ValueTask(this, token);
    }

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _ended.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _ended.OnCompleted(continuation, state, token, flags);

    void IValueTaskSource.GetResult(short token)
    {
        try
        {
            _ended.GetResult(token);
        }
        finally
        {
            // A wrong token has thrown above before anything ended, and must not free what another one waits for.
            if (token == _ended.Version && _ended.GetStatus(token) != ValueTaskSourceStatus.Pending)
            {
                _ended.Reset();
                Volatile.Write(ref _isUsed, 0);
            }
        }
    }

    private void OnEnded()
    {
        ConfiguredValueTaskAwaitable.ConfiguredValueTaskAwaiter awaiter = _awaiter;
        _awaiter = default;
        Exception? fault = null;
        try
        {
            awaiter.GetResult();
        }
        catch (Exception exception)
        {
            // Goes on to whoever awaits the part.
            fault = exception;
        }

        // First, because the call may end within what comes next.
        _call.LeaveStep();
        if (fault is null)
        {
            _ended.SetResult(true);
        }
        else
        {
            _ended.SetException(fault);
        }
    }
}
