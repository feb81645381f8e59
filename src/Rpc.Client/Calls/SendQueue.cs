using System.Buffers;
using System.Collections.Concurrent;
using System.IO.Pipelines;

namespace Kestrel.Rpc.Client;

/// <summary>
/// The requests that wait to be written. Any thread enqueues; the one that finds the queue empty becomes the drainer, writes
/// for all and flushes once for many, while the others return at once. The output is never written while a flush of it is
/// pending, which many writers do not allow.
/// </summary>
internal sealed class SendQueue
{
    // Enough to make a system call worth its while, few enough that the peer starts working while the rest is copied.
    private const int BytesPerFlush = 64 * 1024;

    // After so many flushes the drainer's own caller has waited long enough for the work of others.
    private const int FlushesPerTurn = 16;

    private readonly ConcurrentQueue<PendingCall?> _calls = new(); // null: the end of the queue
    private readonly TaskCompletionSource _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly PipeWriter _output;
    private readonly int _maxCalls;
    private readonly long _maxBytes;
    private readonly bool _oneAtATime;
    private readonly Action<Exception?> _onFailed;
    private int _count; // enqueued and not yet dealt with; whoever raises it from 0 drains
    private long _bytes;
    private long _written; // by the drainer alone
    private bool _ended; // by the drainer alone: the end of the queue has come
    private bool _stopped; // by the drainer alone: the output must not be touched any more
    private PendingCall? _unanswered; // by the drainer alone: with one at a time, the one that left
    private int _closing;

    /// <summary>Makes an empty queue.</summary>
    /// <param name="output">The output; nobody else writes it before <see cref="CloseAsync"/> has ended.</param>
    /// <param name="maxCalls">How many calls may wait.</param>
    /// <param name="maxBytes">How many bytes may wait.</param>
    /// <param name="oneAtATime">Whether a request leaves only when the call before it has ended.</param>
    /// <param name="onFailed">Called at most once, when the output fails; with null when its reader has gone.</param>
    public SendQueue(PipeWriter output, int maxCalls, long maxBytes, bool oneAtATime, Action<Exception?> onFailed)
    {
        _output = output;
        _maxCalls = maxCalls;
        _maxBytes = maxBytes;
        _oneAtATime = oneAtATime;
        _onFailed = onFailed;
    }

    public int Count => Volatile.Read(ref _count);

    /// <summary>How many requests went into the output.</summary>
    public long Written => Volatile.Read(ref _written);

    /// <summary>Whether the drainer has seen the end and will not touch the output again.</summary>
    public bool IsFinished => _finished.Task.IsCompleted;

    /// <summary>Whether one more request may wait. Callers at the same moment may together go over by one each.</summary>
    public bool HasRoom(int bytes)
    {
        int count = Volatile.Read(ref _count);
        return count == 0 || (count < _maxCalls && Volatile.Read(ref _bytes) + bytes <= _maxBytes);
    }

    /// <summary>Queues a call and, if nobody does so yet, writes what is queued. Lets go of the call when it is written.</summary>
    public void Enqueue(PendingCall call)
    {
        Interlocked.Add(ref _bytes, call.Frame.Length);
        Add(call);
    }

    /// <summary>Ends when the drainer has dealt with all that was queued and will not touch the output again.</summary>
    public Task CloseAsync()
    {
        if (Interlocked.Exchange(ref _closing, 1) == 0)
        {
            Add(null);
        }

        return _finished.Task;
    }

    private void Add(PendingCall? call)
    {
        _calls.Enqueue(call);
        if (Interlocked.Increment(ref _count) == 1)
        {
            // Runs here until a flush has to wait; it never throws.
            _ = DrainAsync();
        }
    }

    private async Task DrainAsync()
    {
        int flushes = 0;
        while (true)
        {
            int taken = WriteBatch(out bool wrote);
            if (wrote)
            {
                await FlushAsync().ConfigureAwait(false);
            }

            if (_unanswered is not null)
            {
                // Ends for certain: by the reply, the caller's token or the end of the connection.
                await _unanswered.WhenCompleted().ConfigureAwait(false);
                _unanswered.Release();
                _unanswered = null;
            }

            if (_ended)
            {
                _stopped = true;
                _finished.TrySetResult();
            }

            // Only after the flush: until then every other sender leaves the output to us.
            if (Interlocked.Add(ref _count, -taken) == 0)
            {
                return;
            }

            if (++flushes % FlushesPerTurn == 0)
            {
                await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            }
        }
    }

    /// <summary>Copies queued requests into the output, up to a batch. At least one is queued.</summary>
    private int WriteBatch(out bool wrote)
    {
        int available = Volatile.Read(ref _count);
        int taken = 0;
        int bytes = 0;
        wrote = false;
        while (taken < available && bytes < BytesPerFlush && _unanswered is null && _calls.TryDequeue(out PendingCall? call))
        {
            taken++;
            if (call is null)
            {
                _ended = true;
                continue;
            }

            Interlocked.Add(ref _bytes, -call.Frame.Length);
            if (!_stopped && !call.IsCompleted)
            {
                wrote |= TryWrite(call.Frame);
                bytes += call.Frame.Length;
                if (_oneAtATime)
                {
                    _unanswered = call;
                    continue;
                }
            }

            call.Release();
        }

        return taken;
    }

    private bool TryWrite(FrameBuffer frame)
    {
        try
        {
            _output.Write(frame.Written);
            Volatile.Write(ref _written, _written + 1);
            return true;
        }
        catch (Exception exception)
        {
            // Whatever a transport throws while it is written to means that nothing can be sent any more.
            Stop(exception);
            return false;
        }
    }

    private async ValueTask FlushAsync()
    {
        if (_stopped)
        {
            return;
        }

        try
        {
            FlushResult result = await _output.FlushAsync().ConfigureAwait(false);
            if (result.IsCompleted || result.IsCanceled)
            {
                Stop(null);
            }
        }
        catch (Exception exception)
        {
            // As above.
            Stop(exception);
        }
    }

    private void Stop(Exception? exception)
    {
        if (!_stopped)
        {
            _stopped = true;
            _onFailed(exception);
        }
    }
}
