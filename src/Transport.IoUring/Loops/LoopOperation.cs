using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// One operation at a time that a method running on the loop awaits, used again for the next one. The result is a byte
/// count, zero, or a negated error number. Loop thread only: it neither locks nor captures a context.
/// </summary>
internal sealed class LoopOperation : ICriticalNotifyCompletion
{
    private Action? _continuation;
    private int _result;

    /// <summary>Whether a method awaits this operation now.</summary>
    public bool IsAwaited => _continuation is not null;

    public bool IsCompleted { get; private set; }

    public LoopOperation GetAwaiter() => this;

    public int GetResult()
    {
        Debug.Assert(IsCompleted, "The result is read once, after completion.");
        IsCompleted = false;
        return _result;
    }

    /// <summary>Makes the result ready and runs the awaiting method, if there is one, before it returns.</summary>
    public void Complete(int result)
    {
        Debug.Assert(!IsCompleted, "An operation completes once.");
        _result = result;
        IsCompleted = true;

        Action? continuation = _continuation;
        _continuation = null;
        continuation?.Invoke();
    }

    public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

    public void UnsafeOnCompleted(Action continuation)
    {
        Debug.Assert(_continuation is null, "One method at a time awaits an operation.");
        _continuation = continuation;
    }
}
