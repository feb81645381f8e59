using System.Buffers;
using System.IO.Pipelines;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>A connection's input that tells how much of it was read, and when its end was.</summary>
internal sealed class WatchedInput(PipeReader inner) : PipeReader
{
    private readonly Lock _lock = new();
    private ReadOnlySequence<byte> _buffer;
    private long _consumed;
    private (long Consumed, TaskCompletionSource Reached)? _waiter;

    /// <summary>Ends when the reader was told that nothing more comes.</summary>
    public TaskCompletionSource Over { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when so many bytes more than now were consumed. One waiter at a time.</summary>
    public Task WaitForConsumedAsync(long more)
    {
        lock (_lock)
        {
            TaskCompletionSource reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiter = (_consumed + more, reached);
            return reached.Task;
        }
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        long length = _buffer.Slice(0, consumed).Length;
        inner.AdvanceTo(consumed, examined);
        lock (_lock)
        {
            _consumed += length;
            if (_waiter is { } waiter && _consumed >= waiter.Consumed)
            {
                waiter.Reached.TrySetResult();
            }
        }
    }

    public override void CancelPendingRead() => inner.CancelPendingRead();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) => Note(await inner.ReadAsync(cancellationToken));

    public override bool TryRead(out ReadResult result)
    {
        bool isRead = inner.TryRead(out result);
        if (isRead)
        {
            Note(result);
        }

        return isRead;
    }

    private ReadResult Note(ReadResult result)
    {
        _buffer = result.Buffer;
        if (result.IsCompleted)
        {
            Over.TrySetResult();
        }

        return result;
    }
}
