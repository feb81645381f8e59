using System.Runtime.ExceptionServices;

namespace Kestrel.Rpc.Invocation;

/// <summary>What a call has come to: a value, or the error in its place. One of the two, exactly once for each call.</summary>
/// <typeparam name="TRet">The reply.</typeparam>
public readonly struct InvocationResult<TRet>
{
    private readonly TRet _value;

    internal InvocationResult(TRet value) => _value = value;

    internal InvocationResult(Exception error)
    {
        _value = default!;
        Error = error;
    }

    /// <summary>Why there is no reply; <see langword="null"/> if there is one.</summary>
    public Exception? Error { get; }

    /// <summary>The reply. Where there is none, reading it throws <see cref="Error"/>.</summary>
    public TRet Value
    {
        get
        {
            if (Error is not null)
            {
                ExceptionDispatchInfo.Throw(Error);
            }

            return _value;
        }
    }
}
