using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// One operation at a time that a method running on the loop awaits, used again for the next one. The result is a byte
/// count, zero, or a negated error number. Loop thread only: it neither locks nor captures a context.
/// </summary>
internal sealed class LoopOperation
{
    private object? _continuation; // a LoopContinuation, or an Action of any other async method
    private int _result;

    /// <summary>Whether a method awaits this operation now.</summary>
    public bool IsAwaited => _continuation is not null;

    public bool IsCompleted { get; private set; }

    public Awaiter GetAwaiter() => new(this);

    /// <summary>Makes the result ready and runs the awaiting method, if there is one, before it returns.</summary>
    public void Complete(int result)
    {
        Debug.Assert(!IsCompleted, "An operation completes once.");
        _result = result;
        IsCompleted = true;

        object? continuation = _continuation;
        _continuation = null;
        if (continuation is LoopContinuation method)
        {
            method.Run();
        }
        else if (continuation is not null)
        {
            ((Action)continuation)();
        }
    }

    private void OnCompleted(object continuation)
    {
        Debug.Assert(_continuation is null, "One method at a time awaits an operation.");
        _continuation = continuation;
    }

    public readonly struct Awaiter(LoopOperation operation) : ILoopAwaiter
    {
        public bool IsCompleted => operation.IsCompleted;

        public int GetResult()
        {
            Debug.Assert(operation.IsCompleted, "The result is read once, after completion.");
            operation.IsCompleted = false;
            return operation._result;
        }

        public void OnCompleted(LoopContinuation continuation) => operation.OnCompleted(continuation);

        public void OnCompleted(Action continuation) => operation.OnCompleted(continuation);

        public void UnsafeOnCompleted(Action continuation) => operation.OnCompleted(continuation);
    }
}

/// <summary>What a <see cref="LoopMethod"/> can await.</summary>
internal interface ILoopAwaiter : ICriticalNotifyCompletion
{
    void OnCompleted(LoopContinuation continuation);
}
