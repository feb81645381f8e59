using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// The replies of one connection on their way out. The first sender takes the writer's role: it writes everything that is
/// queued, up to <see cref="BytesPerFlush"/>, and flushes once for all; the others only queue and leave. So the pipe has one writer at a time and is never written
/// to while a flush is pending, which not every pipe allows (a TLS stream does not).
/// Bounded by the calls in flight: a call counts until its reply was flushed.
/// </summary>
internal sealed class RpcReplyQueue
{
    // Kestrel's HTTP has the same bound for what it has written ahead. Replies beyond it stay messages while the transport takes
    // no more: many calls may share one message, while each serialised copy costs its whole length.
    internal const int BytesPerFlush = 64 * 1024;

    private readonly Lock _lock = new();
    private readonly RpcServerConnection _owner;
    private readonly PipeWriter _output;
    private readonly bool _flushEach;
    private readonly Action _onFlushed;

    // Guarded by the lock.
    private RpcCall? _head;
    private RpcCall? _tail;
    private bool _hasWriter;
    private bool _isWoken;
    private Waiter? _waiter;

    // Of the writer alone; the first two are read by the read loop too.
    private long _finished;
    private volatile bool _isFlushing;
    private int _unflushed;
    private int _unflushedBytes;
    private RpcCall? _taken; // out of the queue, not written yet
    private bool _isBroken;
    private ConfiguredValueTaskAwaitable<FlushResult>.ConfiguredValueTaskAwaiter _flush;

    public RpcReplyQueue(RpcServerConnection owner, PipeWriter output, bool flushEach)
    {
        _owner = owner;
        _output = output;
        _flushEach = flushEach;
        _onFlushed = OnFlushed;
    }

    /// <summary>How many calls are done: their reply was handed to the transport, or nobody is left to get it.</summary>
    public long Finished => Volatile.Read(ref _finished);

    /// <summary>Whether the transport does not take more at the moment.</summary>
    public bool IsFlushing => _isFlushing;

    /// <summary>Queues a reply, and writes all that are queued if nobody else does. Any thread.</summary>
    public void Send(RpcCall call)
    {
        lock (_lock)
        {
            Append(call);
            if (_hasWriter)
            {
                return;
            }

            _hasWriter = true;
        }

        Drain();
    }

    /// <summary>Takes the writer's role for replies that come one after the other on this thread, unless someone has it.</summary>
    public bool TryBeginBatch()
    {
        lock (_lock)
        {
            bool taken = !_hasWriter;
            _hasWriter = true;
            return taken;
        }
    }

    /// <summary>Writes a reply that <see cref="EndBatch"/> will flush. Only after <see cref="TryBeginBatch"/> has returned true.</summary>
    public void SendInBatch(RpcCall call)
    {
        if (_flushEach)
        {
            lock (_lock)
            {
                Append(call);
            }
        }
        else
        {
            Write(call);
        }
    }

    /// <summary>Whether the batch has to end before it gets one more reply.</summary>
    public bool IsBatchFull => _unflushedBytes >= BytesPerFlush;

    /// <summary>Flushes the replies of the batch and gives the role back.</summary>
    public void EndBatch() => Drain();

    /// <summary>
    /// Waits until that many calls are finished and the transport takes more, or until <see cref="Wake"/>. One waiter at a time.
    /// </summary>
    /// <param name="finished">How many.</param>
    public Task WaitAsync(long finished)
    {
        lock (_lock)
        {
            Waiter waiter = new(finished);
            if (_isWoken || IsMet(waiter))
            {
                _isWoken = false;
                return Task.CompletedTask;
            }

            _waiter = waiter;
            return waiter.Task;
        }
    }

    /// <summary>Lets <see cref="WaitAsync"/> return, now or when it is called next.</summary>
    public void Wake()
    {
        Waiter? waiter;
        lock (_lock)
        {
            waiter = _waiter;
            _waiter = null;
            _isWoken = waiter is null;
        }

        waiter?.TrySetResult();
    }

    private void Append(RpcCall call)
    {
        if (_tail is null)
        {
            _head = call;
        }
        else
        {
            _tail.NextInList = call;
        }

        _tail = call;
    }

    private RpcCall? TakeNext()
    {
        RpcCall? taken = _head;
        if (_flushEach && taken?.NextInList is { } rest)
        {
            _head = rest;
            taken.NextInList = null;
            return taken;
        }

        _head = _tail = null;
        return taken;
    }

    // In the writer's role. Returns when there is nothing left to do, or when a flush is pending that will call it again.
    private void Drain()
    {
        while (true)
        {
            RpcCall? next;
            bool isDone;
            Waiter? met = null;
            lock (_lock)
            {
                next = _taken ?? TakeNext();
                isDone = next is null && _unflushed == 0;
                _hasWriter = !isDone;
                if (_waiter is not null && IsMet(_waiter))
                {
                    met = _waiter;
                    _waiter = null;
                }
            }

            met?.TrySetResult();
            if (isDone)
            {
                return;
            }

            while (next is not null && _unflushedBytes < BytesPerFlush)
            {
                RpcCall call = next;
                next = call.NextInList;
                call.NextInList = null;
                Write(call);
            }

            _taken = next;
            if (!TryFlush())
            {
                return;
            }
        }
    }

    private void Write(RpcCall call)
    {
        _unflushed++;
        if (!_isBroken)
        {
            try
            {
                _unflushedBytes += RpcReplyWriter.Write(_output, call, _owner);
            }
            catch (Exception exception)
            {
                // Not the reply's fault, that is caught within: the pipe does not take it.
                Break(exception);
            }
        }

        _owner.Calls.Return(call);
    }

    private bool TryFlush()
    {
        if (_isBroken)
        {
            EndFlush();
            return true;
        }

        try
        {
            ValueTask<FlushResult> flush = _output.FlushAsync();
            if (!flush.IsCompleted)
            {
                // A copy: once the continuation is registered, another thread may have the role.
                ConfiguredValueTaskAwaitable<FlushResult>.ConfiguredValueTaskAwaiter awaiter = flush.ConfigureAwait(false).GetAwaiter();
                _flush = awaiter;
                _isFlushing = true;
                awaiter.UnsafeOnCompleted(_onFlushed);
                return false;
            }

            Check(flush.Result);
        }
        catch (Exception exception)
        {
            // The connection was reset or aborted, or its TLS stream failed: the peer gets nothing more.
            Break(exception);
        }

        EndFlush();
        return true;
    }

    private void OnFlushed()
    {
        try
        {
            Check(_flush.GetResult());
        }
        catch (Exception exception)
        {
            // As in TryFlush.
            Break(exception);
        }

        EndFlush();
        Drain();
    }

    private void EndFlush()
    {
        Volatile.Write(ref _finished, _finished + _unflushed);
        _unflushed = 0;
        _unflushedBytes = 0;
        _isFlushing = false;
    }

    private void Check(FlushResult result)
    {
        if (result.IsCompleted)
        {
            Break(null);
        }
    }

    private void Break(Exception? exception)
    {
        if (!_isBroken)
        {
            _isBroken = true;
            _owner.OnOutputBroken(exception);
        }
    }

    private bool IsMet(Waiter waiter) => _finished >= waiter.Finished && !_isFlushing;

    private sealed class Waiter(long finished) : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public long Finished => finished;
    }
}
