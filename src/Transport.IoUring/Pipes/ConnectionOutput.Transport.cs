using System.Buffers;
using System.IO.Pipelines;

namespace Kestrel.Rpc.Transport;

internal sealed partial class ConnectionOutput
{
    private readonly EventLoop _loop;
    private readonly LoopSocket _socket;
    private readonly LoopOperation _ready = new(); // loop thread only
    private readonly long _pauseThreshold;
    private readonly long _resumeThreshold;
    private long _sentDirectly; // written under _lock
    private bool _transportEnded; // guarded by _lock: the loop touches no block any more
    private bool _transportSleeps; // guarded by _lock: nothing to send was found, and nobody has woken the loop since

    public ConnectionOutput(EventLoop loop, LoopSocket socket, PipeScheduler scheduler, long maxBufferSize)
    {
        _loop = loop;
        _socket = socket;
        _scheduler = scheduler;
        _blocks = new BlockChain(loop.MemoryPool, loop.Blocks);
        _pauseThreshold = maxBufferSize;
        _resumeThreshold = Math.Max(maxBufferSize / 2, 1); // with 0 a pause would never end
    }

    /// <summary>How many bytes the application's threads have sent themselves, all in all. Any thread.</summary>
    public long SentDirectly => Volatile.Read(ref _sentDirectly);

    /// <summary>
    /// Takes what is to be sent; it stays in place until <see cref="SentOnLoop"/>. False: nothing, so wait for
    /// <see cref="ReadyAsync"/>.
    /// </summary>
    /// <param name="buffer">Everything committed; empty when <paramref name="isCompleted"/> came without bytes.</param>
    /// <param name="isCompleted">Whether this is the last of it.</param>
    /// <param name="error">What the application completed its output with.</param>
    public bool TryTakeOnLoop(out ReadOnlySequence<byte> buffer, out bool isCompleted, out Exception? error)
    {
        lock (_lock)
        {
            buffer = _blocks.Sequence;
            isCompleted = _writerCompleted;
            error = _writerError;
            _transportSleeps = buffer.IsEmpty && !isCompleted;
            return !_transportSleeps;
        }
    }

    /// <summary>Waits until there is something to take, or <see cref="WakeOnLoop"/>.</summary>
    public LoopOperation ReadyAsync() => _ready;

    /// <summary>Gives the blocks of sent bytes back and lets a waiting flush go on.</summary>
    public void SentOnLoop(SequencePosition end)
    {
        PipeContinuation writer = default;
        lock (_lock)
        {
            var block = (PipeBlock)end.GetObject()!;
            long before = _unsent;
            long sent = _blocks.Examine(block, end.GetInteger());
            CountSent(sent, _loop.TimestampOnLoop());
            _unsent -= sent;
            _blocks.Consume(block, end.GetInteger());
            if (before >= _resumeThreshold && _unsent < _resumeThreshold)
            {
                writer = _flushing.Complete();
            }
        }

        writer.Schedule(_scheduler);
    }

    /// <summary>Ends the wait of <see cref="ReadyAsync"/>, if there is one.</summary>
    public void WakeOnLoop()
    {
        if (_ready.IsAwaited) // never after the loop's end, when this runs on the thread pool
        {
            _loop.AssertOnLoop();
            _ready.Complete(0);
        }
    }

    /// <summary>Nothing more will be sent: flushes complete at once, or throw <paramref name="error"/>.</summary>
    public void CompleteByTransport(Exception? error)
    {
        PipeContinuation writer;
        lock (_lock)
        {
            if (!_readerCompleted)
            {
                _readerError = error;
                Volatile.Write(ref _readerCompleted, true);
            }

            _transportEnded = true;
            writer = _flushing.Complete();
            ReleaseIfBothCompleted();
        }

        writer.Schedule(_scheduler);
    }

    /// <summary>
    /// The application's side as if the transport had failed. The blocks stay: the transport may be sending from them, and says
    /// itself when it has ended.
    /// </summary>
    private void EndByMisuse(Exception error)
    {
        PipeContinuation writer;
        lock (_lock)
        {
            if (!_readerCompleted)
            {
                _readerError = error;
                Volatile.Write(ref _readerCompleted, true);
            }

            writer = _flushing.Complete();
        }

        writer.Schedule(_scheduler);
    }

    private bool TakeSleep()
    {
        bool sleeps = _transportSleeps;
        _transportSleeps = false;
        return sleeps;
    }

    private void WakeTransport() => _loop.Schedule(static output => ((ConnectionOutput)output!).WakeOnLoop(), this);
}
