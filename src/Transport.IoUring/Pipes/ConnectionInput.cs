using System.Buffers;
using System.IO.Pipelines;
using System.Threading.Tasks.Sources;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// What a connection receives, on its way from the loop to the application. To the application it is a
/// <see cref="PipeReader"/> that behaves as that of a <see cref="Pipe"/>; the transport's half is in <c>.Transport</c>.
/// </summary>
/// <remarks>One reader at a time, as with every pipe; the transport's members run on the loop.</remarks>
internal sealed partial class ConnectionInput : PipeReader, IValueTaskSource<ReadResult>
{
    private static readonly Action<object?> OnTokenFired = static input => ((ConnectionInput)input!).CancelByToken();

    private readonly LoopSocket _lock; // an object that is there anyway and that the application never sees: a lock of its own is memory
    private BlockChain _blocks;
    private PipeAwaiter _reading;
    private long _unexamined; // committed bytes that the reader has not looked at
    private long _minimum; // how many of those a read waits for; 0: whatever comes
    private bool _isReadOpen; // a result was handed out: AdvanceTo must follow
    private bool _isReadTentative; // AdvanceTo may follow
    private bool _readerCompleted;
    private bool _writerCompleted;
    private Exception? _writerError;
    private bool _released;

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfReaderCompleted();
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<ReadResult>(cancellationToken);
        }

        lock (_lock)
        {
            _reading.Begin(OnTokenFired, this, cancellationToken);
            return _reading.IsCompleted && !MustChangeThread ? new ValueTask<ReadResult>(TakeResult()) : new ValueTask<ReadResult>(this, 0);
        }
    }

    public override bool TryRead(out ReadResult result)
    {
        lock (_lock)
        {
            ThrowIfReaderCompleted();
            if (_unexamined > 0 || _reading.IsCompleted)
            {
                result = TakeResult();
                return true;
            }

            if (_reading.IsRunning)
            {
                throw AlreadyReading();
            }

            if (_isReadOpen)
            {
                throw AlreadyReading();
            }

            _isReadTentative = true;
            result = default;
            return false;
        }
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        ThrowIfReaderCompleted();
        var consumedBlock = (PipeBlock?)consumed.GetObject();
        int consumedIndex = consumed.GetInteger();
        var examinedBlock = (PipeBlock?)examined.GetObject();
        int examinedIndex = examined.GetInteger();
        if (consumedBlock is not null && examinedBlock is not null
            && examinedBlock.RunningIndex + examinedIndex < consumedBlock.RunningIndex + consumedIndex)
        {
            throw new InvalidOperationException("The examined position must not lie before the consumed one.");
        }

        bool resume = false;
        lock (_lock)
        {
            if (!_isReadOpen && !_isReadTentative)
            {
                throw new InvalidOperationException("There is no read to complete.");
            }

            if ((consumedBlock is not null && !_blocks.Contains(consumedBlock, consumedIndex))
                || (examinedBlock is not null && !_blocks.Contains(examinedBlock, examinedIndex)))
            {
                throw new InvalidOperationException("The position is not one of this read's buffer.");
            }

            bool sawAll = _blocks.IsTail(examinedBlock, examinedIndex);
            if (examinedBlock is not null)
            {
                long before = _unexamined;
                _unexamined -= _blocks.Examine(examinedBlock, examinedIndex);
                resume = _paused && before >= ResumeThreshold && _unexamined < ResumeThreshold;
                _paused &= !resume;
            }

            if (consumedBlock is not null)
            {
                _blocks.Consume(consumedBlock, consumedIndex);
            }

            if (sawAll && !_writerCompleted)
            {
                _reading.Reset();
            }

            _isReadOpen = _isReadTentative = false;
        }

        if (resume)
        {
            ResumeTransport();
        }
    }

    public override void CancelPendingRead()
    {
        PipeContinuation reader;
        lock (_lock)
        {
            reader = _reading.Cancel();
        }

        reader.Schedule(Scheduler);
    }

    public override void Complete(Exception? exception = null)
    {
        bool resume;
        lock (_lock)
        {
            _isReadOpen = _isReadTentative = false;
            _readerCompleted = true;
            resume = _paused;
            _paused = false;
            ReleaseIfBothCompleted();
        }

        if (resume)
        {
            ResumeTransport();
        }
    }

    ReadResult IValueTaskSource<ReadResult>.GetResult(short version)
    {
        ReadResult result;
        CancellationTokenRegistration registration = default;
        CancellationToken token;
        try
        {
            lock (_lock)
            {
                if (!_reading.IsCompleted)
                {
                    throw new InvalidOperationException("The read has not completed.");
                }

                registration = _reading.TakeRegistration(out token);
                result = TakeResult();
            }
        }
        finally
        {
            registration.Dispose();
        }

        if (result.IsCanceled)
        {
            token.ThrowIfCancellationRequested();
        }

        return result;
    }

    ValueTaskSourceStatus IValueTaskSource<ReadResult>.GetStatus(short version)
    {
        if (!_reading.IsCompleted || MustChangeThread)
        {
            return ValueTaskSourceStatus.Pending;
        }

        return _writerError is null ? ValueTaskSourceStatus.Succeeded : ValueTaskSourceStatus.Faulted;
    }

    void IValueTaskSource<ReadResult>.OnCompleted(
        Action<object?> continuation, object? state, short version, ValueTaskSourceOnCompletedFlags flags)
    {
        PipeContinuation now;
        bool isSecond;
        lock (_lock)
        {
            now = _reading.OnCompleted(continuation, state, flags, out isSecond);
        }

        if (isSecond)
        {
            EndByMisuse(new InvalidOperationException("Concurrent reads are not supported."));
        }

        now.Schedule(Scheduler);
    }

    /// <summary>Under the lock.</summary>
    private ReadResult TakeResult()
    {
        if (_writerError is not null)
        {
            throw PipeErrors.Rethrow(_writerError);
        }

        bool canceled = _reading.TakeCanceled();
        if (_isReadOpen)
        {
            throw AlreadyReading();
        }

        _minimum = 0;
        _isReadOpen = !canceled;
        _isReadTentative |= canceled;
        return new ReadResult(_blocks.Sequence, canceled, _writerCompleted);
    }

    private void CancelByToken()
    {
        PipeContinuation reader;
        lock (_lock)
        {
            reader = _reading.CancelByToken();
        }

        reader.Schedule(Scheduler);
    }

    /// <summary>Under the lock.</summary>
    private void ReleaseIfBothCompleted()
    {
        if (_readerCompleted && _transportEnded && !_released)
        {
            _released = true;
            _blocks.Release();
        }
    }

    private void ThrowIfReaderCompleted()
    {
        if (_readerCompleted)
        {
            throw new InvalidOperationException("Reading is not allowed after the reader was completed.");
        }
    }

    private static InvalidOperationException AlreadyReading() => new("Reading is already in progress.");
}
