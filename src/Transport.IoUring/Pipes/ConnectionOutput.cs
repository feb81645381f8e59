using System.Buffers;
using System.IO.Pipelines;
using System.Threading.Tasks.Sources;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// What a connection sends, on its way from the application to the loop. To the application it is a <see cref="PipeWriter"/>
/// that behaves as that of a <see cref="Pipe"/>; the transport's half is in <c>.Transport</c>.
/// </summary>
/// <remarks>One writer at a time, as with every pipe; the transport's members run on the loop.</remarks>
internal sealed partial class ConnectionOutput : PipeWriter, IValueTaskSource<FlushResult>
{
    private static readonly Action<object?> OnTokenFired = static output => ((ConnectionOutput)output!).CancelByToken();

    private BlockChain _blocks;
    private PipeAwaiter _flushing = new(ready: true);
    private long _unsent; // committed bytes that the transport has not sent
    private bool _writerCompleted;
    private Exception? _writerError;
    private bool _readerCompleted;
    private Exception? _readerError;
    private bool _released;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _blocks.Uncommitted;

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        ThrowIfWriterCompleted();
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        if (!_blocks.HasFree(sizeHint))
        {
            lock (Lock)
            {
                _blocks.Reserve(sizeHint);
            }
        }

        return _blocks.Free;
    }

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override void Advance(int bytes)
    {
        if ((uint)bytes > (uint)_blocks.Free.Length)
        {
            throw new ArgumentOutOfRangeException(nameof(bytes), bytes, "More than the memory that was handed out.");
        }

        if (!Volatile.Read(ref _readerCompleted))
        {
            _blocks.Advance(bytes);
        }
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<FlushResult>(cancellationToken);
        }

        bool wake;
        ValueTask<FlushResult> result;
        lock (Lock)
        {
            wake = CommitAndWake(mayBeSent: true);
            _flushing.Begin(OnTokenFired, this, cancellationToken);
            result = _flushing.IsCompleted ? new ValueTask<FlushResult>(TakeResult()) : new ValueTask<FlushResult>(this, 0);
        }

        if (wake)
        {
            WakeTransport();
        }

        return result;
    }

    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        ThrowIfWriterCompleted();
        if (Volatile.Read(ref _readerCompleted))
        {
            return _readerError is null
                ? new ValueTask<FlushResult>(new FlushResult(isCanceled: false, isCompleted: true))
                : throw PipeErrors.Rethrow(_readerError);
        }

        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<FlushResult>(cancellationToken); // nothing is written
        }

        ReadOnlySpan<byte> rest = source.Span;
        do
        {
            Span<byte> free = GetSpan();
            int count = Math.Min(free.Length, rest.Length);
            rest[..count].CopyTo(free);
            Advance(count);
            rest = rest[count..];
        }
        while (!rest.IsEmpty);

        return FlushAsync(cancellationToken);
    }

    public override void CancelPendingFlush()
    {
        PipeContinuation writer;
        lock (Lock)
        {
            writer = _flushing.Cancel();
        }

        writer.Schedule(Scheduler);
    }

    public override void Complete(Exception? exception = null)
    {
        bool wake;
        lock (Lock)
        {
            wake = CommitAndWake(mayBeSent: exception is null);
            if (!_writerCompleted)
            {
                _writerCompleted = true;
                _writerError = exception;
            }

            wake |= TakeSleep();
            ReleaseIfBothCompleted();
        }

        if (wake)
        {
            WakeTransport();
        }
    }

    FlushResult IValueTaskSource<FlushResult>.GetResult(short version)
    {
        FlushResult result;
        CancellationTokenRegistration registration = default;
        CancellationToken token;
        try
        {
            lock (Lock)
            {
                if (!_flushing.IsCompleted)
                {
                    throw new InvalidOperationException("The flush has not completed.");
                }

                registration = _flushing.TakeRegistration(out token);
                result = TakeResult();
            }
        }
        finally
        {
            registration.Dispose();
        }

        token.ThrowIfCancellationRequested();
        return result;
    }

    ValueTaskSourceStatus IValueTaskSource<FlushResult>.GetStatus(short version)
    {
        if (!_flushing.IsCompleted)
        {
            return ValueTaskSourceStatus.Pending;
        }

        return _readerError is null ? ValueTaskSourceStatus.Succeeded : ValueTaskSourceStatus.Faulted;
    }

    void IValueTaskSource<FlushResult>.OnCompleted(
        Action<object?> continuation, object? state, short version, ValueTaskSourceOnCompletedFlags flags)
    {
        PipeContinuation now;
        bool isSecond;
        lock (Lock)
        {
            now = _flushing.OnCompleted(continuation, state, flags, out isSecond);
        }

        if (isSecond)
        {
            EndByMisuse(new InvalidOperationException("Concurrent flushes are not supported."));
        }

        now.Schedule(Scheduler);
    }

    /// <summary>Under the lock: commits what was written; says whether the transport must be woken to send it.</summary>
    private bool CommitAndWake(bool mayBeSent)
    {
        long before = _unsent;
        long committed = _blocks.Commit();
        if (committed > 0 && mayBeSent && _transportSleeps && IsDirectSendBetter(committed))
        {
            committed -= SendDirectly();
        }

        _unsent += committed;
        if (PauseThreshold > 0 && before < PauseThreshold && _unsent >= PauseThreshold && !_readerCompleted)
        {
            _flushing.Reset();
        }

        return committed > 0 && TakeSleep();
    }

    /// <summary>Under the lock.</summary>
    private FlushResult TakeResult()
    {
        bool canceled = _flushing.TakeCanceled();
        if (_readerCompleted && _readerError is not null)
        {
            throw PipeErrors.Rethrow(_readerError);
        }

        return new FlushResult(canceled, _readerCompleted);
    }

    private void CancelByToken()
    {
        PipeContinuation writer;
        lock (Lock)
        {
            writer = _flushing.CancelByToken();
        }

        writer.Schedule(Scheduler);
    }

    /// <summary>Under the lock.</summary>
    private void ReleaseIfBothCompleted()
    {
        if (_transportEnded && _writerCompleted && !_released)
        {
            _released = true;
            _blocks.Release();
        }
    }

    private void ThrowIfWriterCompleted()
    {
        if (_writerCompleted)
        {
            throw new InvalidOperationException("Writing is not allowed after the writer was completed.");
        }
    }
}
