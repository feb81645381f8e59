using System.Buffers;
using System.IO.Pipelines;

namespace Kestrel.Rpc.Transport;

internal sealed partial class ConnectionInput : IBufferWriter<byte>
{
    private readonly EventLoop _loop;
    private LoopOperation? _resumed; // loop thread only; from the first pause on
    private readonly bool _isInline;
    private bool _transportEnded; // guarded by _lock: the loop touches no block any more
    private bool _paused; // guarded by _lock: the transport has stopped reading

    public ConnectionInput(EventLoop loop, LoopSocket socket)
    {
        _loop = loop;
        _lock = socket;
        _isInline = loop.ApplicationScheduler is InlineScheduler;
        _blocks = new BlockChain(loop.Blocks, this);
        _reading = new PipeAwaiter(ready: false);
    }

    /// <summary>Whether the application reads no more. A snapshot: it never becomes false again.</summary>
    public bool IsReaderCompleted => Volatile.Read(ref _readerCompleted);

    /// <summary>Whether the transport is to wait before it commits more. A snapshot.</summary>
    public bool IsPaused => Volatile.Read(ref _paused);

    private PipeScheduler Scheduler => _loop.ApplicationScheduler;

    private long PauseThreshold => _loop.ConnectionSettings.MaxReadBufferSize;

    private long ResumeThreshold => Math.Max(PauseThreshold / 2, 1); // with 0 a pause would never end

    /// <summary>How many more bytes the application may be given before the transport pauses. A snapshot.</summary>
    public long BytesToPause => PauseThreshold == 0
        ? long.MaxValue
        : Math.Max(PauseThreshold, Volatile.Read(ref _minimum)) - Volatile.Read(ref _unexamined);

    /// <summary>
    /// Whether a read goes on by the scheduler although its result is there: an inline application belongs on the loop from its
    /// first read on, and Kestrel starts every connection on the thread pool.
    /// </summary>
    private bool MustChangeThread => _isInline && !_loop.IsOnLoop;

    /// <summary>Memory for the next bytes, at least <paramref name="sizeHint"/> and at least one.</summary>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (!_blocks.HasFree(sizeHint))
        {
            lock (_lock)
            {
                _blocks.Reserve(sizeHint);
            }
        }

        return _blocks.Free;
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    /// <summary>Notes that the first bytes of the memory were filled; the application sees them with <see cref="CommitOnLoop"/>.</summary>
    public void Advance(int count)
    {
        if (!IsReaderCompleted)
        {
            _blocks.Advance(count);
        }
    }

    /// <summary>A block for the kernel to fill, which goes to <see cref="Append"/> or <see cref="Return"/>.</summary>
    public PipeBlock RentBlock() => _loop.Blocks.Rent(sizeHint: 0);

    /// <summary>Takes a block whose first <paramref name="count"/> bytes, at least one, were filled; as <see cref="Advance"/>.</summary>
    public void Append(PipeBlock block, int count)
    {
        lock (_lock)
        {
            if (!_readerCompleted)
            {
                _blocks.Append(block);
                _blocks.Advance(count);
                return;
            }
        }

        Return(block);
    }

    /// <summary>Takes back a block that was not filled.</summary>
    public void Return(PipeBlock block) => _loop.Blocks.Return(block);

    /// <summary>
    /// Gives the application what was written. False: it has more than enough, and the caller stops reading until
    /// <see cref="ResumedAsync"/> completes.
    /// </summary>
    public bool CommitOnLoop()
    {
        PipeContinuation reader = default;
        bool paused;
        lock (_lock)
        {
            long before = _unexamined;
            long committed = _blocks.Commit();
            _unexamined += committed;
            if (_unexamined >= _minimum)
            {
                if (committed > 0)
                {
                    reader = _reading.Complete();
                }

                _paused |= PauseThreshold > 0 && before < PauseThreshold && _unexamined >= PauseThreshold && !_readerCompleted;
            }

            paused = _paused;
        }

        reader.Schedule(Scheduler);
        return !paused;
    }

    /// <summary>Waits until the application has read to half of the limit, or reads no more, or the connection shuts down.</summary>
    public LoopOperation ResumedAsync() => _resumed ??= new LoopOperation();

    /// <summary>Ends the wait of <see cref="ResumedAsync"/>, if there is one.</summary>
    public void CancelPauseOnLoop()
    {
        lock (_lock)
        {
            _paused = false;
        }

        CompletePauseOnLoop();
    }

    /// <summary>There will be no more bytes; the application's reads throw <paramref name="error"/> if it is not null.</summary>
    public void CompleteByTransport(Exception? error)
    {
        PipeContinuation reader;
        lock (_lock)
        {
            _unexamined += _blocks.Commit();
            if (!_writerCompleted)
            {
                _writerCompleted = true;
                _writerError = error;
            }

            _transportEnded = true;
            reader = _reading.Complete();
            ReleaseIfBothCompleted();
        }

        reader.Schedule(Scheduler);
    }

    /// <summary>
    /// The application's side as if the transport had failed. The blocks stay: the loop may be writing into them, and says itself
    /// when it has ended.
    /// </summary>
    private void EndByMisuse(Exception error)
    {
        PipeContinuation reader;
        lock (_lock)
        {
            if (!_writerCompleted)
            {
                _writerCompleted = true;
                _writerError = error;
            }

            reader = _reading.Complete();
        }

        reader.Schedule(Scheduler);
    }

    private void ResumeTransport() => _loop.Schedule(static input => ((ConnectionInput)input!).CompletePauseOnLoop(), this);

    private void CompletePauseOnLoop()
    {
        if (_resumed is { IsAwaited: true }) // never after the loop's end, when this runs on the thread pool
        {
            _loop.AssertOnLoop();
            _resumed.Complete(0);
        }
    }
}
