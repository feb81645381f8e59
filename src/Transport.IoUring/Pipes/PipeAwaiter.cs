using System.IO.Pipelines;
using System.Threading.Tasks.Sources;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// The one operation that one side of a connection's pipe can wait for: its continuation, whether it is complete, and whether
/// somebody cancelled it. Guarded by the pipe's lock; what <see cref="Complete"/> and <see cref="Cancel"/> return is run after it.
/// </summary>
internal struct PipeAwaiter
{
    private Action<object?>? _continuation;
    private object? _state;
    private ExecutionContext? _context;
    private PipeCancellation? _cancellation; // from the first token on
    private bool _ready;
    private bool _canceled;

    public PipeAwaiter(bool ready) => _ready = ready;

    /// <summary>Whether a result can be taken.</summary>
    public readonly bool IsCompleted => _ready || _canceled;

    /// <summary>Whether somebody cancelled the operation, or the next one.</summary>
    public readonly bool IsCanceled => _canceled;

    /// <summary>Whether an operation was begun whose result nobody has taken.</summary>
    public bool IsRunning { get; private set; }

    public void Begin(Action<object?> onCanceled, object pipe, CancellationToken cancellationToken)
    {
        IsRunning = true;
        if (cancellationToken.CanBeCanceled && !IsCompleted)
        {
            _cancellation ??= new PipeCancellation();
            _cancellation.Set(onCanceled, pipe, cancellationToken);
        }
        else
        {
            _cancellation?.Forget(); // the token of an operation that ended at once
        }
    }

    /// <summary>Takes the continuation, or returns what must run at once because the result is there or somebody else awaits it.</summary>
    public PipeContinuation OnCompleted(Action<object?> continuation, object? state, ValueTaskSourceOnCompletedFlags flags, out bool isSecond)
    {
        isSecond = _continuation is not null;
        if (isSecond || IsCompleted)
        {
            return new PipeContinuation(continuation, state, null);
        }

        _continuation = continuation;
        _state = state;
        _context = (flags & ValueTaskSourceOnCompletedFlags.FlowExecutionContext) != 0 ? ExecutionContext.Capture() : null;
        return default;
    }

    public PipeContinuation Complete()
    {
        _ready = true;
        return TakeContinuation();
    }

    public PipeContinuation Cancel()
    {
        _canceled = true;
        return TakeContinuation();
    }

    /// <summary>The token of the operation fired: a late callback of an earlier operation's token does nothing.</summary>
    public PipeContinuation CancelByToken() => _cancellation is { Token.IsCancellationRequested: true } ? Cancel() : default;

    public void Reset() => _ready = false;

    /// <summary>Ends the operation; says whether it was cancelled.</summary>
    public bool TakeCanceled()
    {
        bool canceled = _canceled;
        _canceled = false;
        IsRunning = false;
        return canceled;
    }

    /// <summary>The registration that <see cref="Begin"/> made, which the caller disposes outside the lock, and its token.</summary>
    public CancellationTokenRegistration TakeRegistration(out CancellationToken token)
    {
        token = default;
        return _cancellation?.Take(out token) ?? default;
    }

    private PipeContinuation TakeContinuation()
    {
        var taken = new PipeContinuation(_continuation, _state, _context);
        _continuation = null;
        _state = null;
        _context = null;
        return taken;
    }
}

/// <summary>A method that waits, to be run outside the lock by the application's scheduler; possibly none.</summary>
internal readonly struct PipeContinuation(Action<object?>? action, object? state, ExecutionContext? context)
{
    private static readonly Action<object?> RunWithContext = static boxed =>
    {
        var continuation = (PipeContinuation)boxed!;
        ExecutionContext.Run(continuation.Context!, static boxed => ((PipeContinuation)boxed!).Invoke(), boxed);
    };

    private ExecutionContext? Context => context;

    public void Schedule(PipeScheduler scheduler)
    {
        if (action is null)
        {
            return;
        }

        if (context is null)
        {
            scheduler.Schedule(action, state);
        }
        else
        {
            scheduler.Schedule(RunWithContext, this);
        }
    }

    private void Invoke() => action!(state);
}
