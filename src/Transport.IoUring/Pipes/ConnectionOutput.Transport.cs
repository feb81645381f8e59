using System.Buffers;
using System.IO.Pipelines;

namespace Kestrel.Rpc.Transport;

internal sealed partial class ConnectionOutput
{
    private readonly EventLoop _loop;
    private readonly LoopSocket _socket;
    private readonly LoopOperation _ready = new(); // loop thread only, but for its use as Lock
    private bool _transportEnded; // guarded by Lock: the loop touches no block any more
    private bool _transportSleeps; // guarded by Lock: nothing to send was found, and nobody has woken the loop since

    public ConnectionOutput(EventLoop loop, LoopSocket socket)
    {
        _loop = loop;
        _socket = socket;
        _blocks = new BlockChain(loop.Blocks, this);
    }

    // An object that is there anyway and that the application never sees: a lock of its own is memory.
    private object Lock => _ready;

    private PipeScheduler Scheduler => _loop.ApplicationScheduler;

    private long PauseThreshold => _loop.ConnectionSettings.MaxWriteBufferSize;

    private long ResumeThreshold => Math.Max(PauseThreshold / 2, 1); // with 0 a pause would never end

    /// <summary>
    /// Takes what is to be sent; it stays in place until <see cref="SentOnLoop"/>. False: nothing, so wait for
    /// <see cref="ReadyAsync"/>.
    /// </summary>
    /// <param name="buffer">Everything committed; empty when <paramref name="isCompleted"/> came without bytes.</param>
    /// <param name="isCompleted">Whether this is the last of it.</param>
    /// <param name="error">What the application completed its output with.</param>
    public bool TryTakeOnLoop(out ReadOnlySequence<byte> buffer, out bool isCompleted, out Exception? error)
    {
        lock (Lock)
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
        lock (Lock)
        {
            var block = (PipeBlock)end.GetObject()!;
            long before = _unsent;
            long sent = _blocks.Examine(block, end.GetInteger());
            CountSent(sent, _loop.TimestampOnLoop());
            _unsent -= sent;
            _blocks.Consume(block, end.GetInteger());
            if (before >= ResumeThreshold && _unsent < ResumeThreshold)
            {
                writer = _flushing.Complete();
            }
        }

        writer.Schedule(Scheduler);
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
        lock (Lock)
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

        writer.Schedule(Scheduler);
    }

    /// <summary>
    /// The application's side as if the transport had failed. The blocks stay: the transport may be sending from them, and says
    /// itself when it has ended.
    /// </summary>
    private void EndByMisuse(Exception error)
    {
        PipeContinuation writer;
        lock (Lock)
        {
            if (!_readerCompleted)
            {
                _readerError = error;
                Volatile.Write(ref _readerCompleted, true);
            }

            writer = _flushing.Complete();
        }

        writer.Schedule(Scheduler);
    }

    private bool TakeSleep()
    {
        bool sleeps = _transportSleeps;
        _transportSleeps = false;
        return sleeps;
    }

    private void WakeTransport() => _loop.Schedule(static output => ((ConnectionOutput)output!).WakeOnLoop(), this);
}
