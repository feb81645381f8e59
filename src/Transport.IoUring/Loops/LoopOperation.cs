using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// One operation at a time that a method running on the loop awaits, used again for the next one. The result is a byte
/// count, zero, or a negated error number. Loop thread only: it neither locks nor captures a context.
/// </summary>
/// <remarks>Awaited as a <see cref="ValueTask{TResult}"/>, which needs no delegate for each method that waits.</remarks>
internal sealed class LoopOperation : IValueTaskSource<int>
{
    private Action<object?>? _continuation;
    private object? _state;
    private int _result;

    /// <summary>Whether a method awaits this operation now.</summary>
    public bool IsAwaited => _continuation is not null;

    public bool IsCompleted { get; private set; }

    public ValueTaskAwaiter<int> GetAwaiter() => new ValueTask<int>(this, 0).GetAwaiter();

    /// <summary>Makes the result ready and runs the awaiting method, if there is one, before it returns.</summary>
    public void Complete(int result)
    {
        Debug.Assert(!IsCompleted, "An operation completes once.");
        _result = result;
        IsCompleted = true;

        Action<object?>? continuation = _continuation;
        object? state = _state;
        _continuation = null;
        _state = null;
        continuation?.Invoke(state);
    }

    int IValueTaskSource<int>.GetResult(short token)
    {
        Debug.Assert(IsCompleted, "The result is read once, after completion.");
        IsCompleted = false;
        return _result;
    }

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) =>
        IsCompleted ? ValueTaskSourceStatus.Succeeded : ValueTaskSourceStatus.Pending;

    void IValueTaskSource<int>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        Debug.Assert(_continuation is null, "One method at a time awaits an operation.");
        _continuation = continuation;
        _state = state;
    }
}
