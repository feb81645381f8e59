using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Kestrel.Rpc.Protocol;

/// <summary>
/// The output of one connection, which many threads send to. Whoever finds it idle takes the writer's role: writes straight into
/// the output, then all that others have queued meanwhile, and flushes once for many; the others only queue and leave. So the
/// output has one writer at a time and is never written to while a flush is pending, which not every pipe allows (a TLS stream
/// does not).
/// </summary>
/// <remarks>
/// The queue is a ring, made when the first item has to wait. One that finds the ring full stands in line for the writer and
/// refuses nothing: the owner bounds how many items there are. The order in which items of different threads leave is not defined,
/// so what must keep an order is one item. Any thread, but for what says otherwise.
/// </remarks>
internal sealed partial class OutputQueue : IThreadPoolWorkItem
{
    /// <summary>
    /// Written ahead of a flush at most, and the last item. Kestrel's HTTP has the same bound. What is beyond it stays a message
    /// while the transport takes no more: many items may share one message, while each serialised copy costs its whole length.
    /// </summary>
    internal const int BytesPerFlush = 64 * 1024;

    /// <summary>How many items the ring takes: what comes together while one flush runs, and 4 KiB of memory.</summary>
    internal const int RingCapacity = 256;

    // After so many flushes the thread that writes has done enough for others: it has a caller of its own.
    private const int FlushesPerTurn = 16;

    private readonly PipeWriter _output;
    private readonly IOutputOwner _owner;
    private readonly bool _flushEach;
    private readonly Action _onFlushed;
    private BoundedRing<IOutputItem>? _ring;
    private IOutputItem? _line; // who found the ring full, the last one first
    private int _claims; // items that wait, and whoever has the role; who raises it from 0 has the role

    // Of the writer alone; the first four are read by others.
    private long _finished;
    private volatile bool _isFlushing;
    private volatile int _pendingFlushes;
    private long _flushedBytes;
    private IOutputItem? _front; // of the line, the first one first
    private bool _isLinesTurn;
    private bool _isBroken;
    private int _claimsDone; // given back after the flush: until then every other sender leaves the output alone
    private int _unflushed;
    private int _unflushedBytes;
    private ConfiguredValueTaskAwaitable<FlushResult>.ConfiguredValueTaskAwaiter _flush;

    /// <param name="output">The output; nobody else writes it before <see cref="CloseAsync"/> has ended, or the owner has seen the last item finished.</param>
    /// <param name="owner">Is told when it breaks.</param>
    /// <param name="flushEach">Whether every item is flushed alone.</param>
    public OutputQueue(PipeWriter output, IOutputOwner owner, bool flushEach = false)
    {
        _output = output;
        _owner = owner;
        _flushEach = flushEach;
        _onFlushed = OnFlushed;
    }

    /// <summary>How many items are done: flushed, or dropped because nobody is left to get them.</summary>
    public long Finished => Volatile.Read(ref _finished);

    /// <summary>Whether the transport does not take more at the moment.</summary>
    public bool IsFlushing => _isFlushing;

    /// <summary>How many flushes had to wait for the transport, the one under way too; wraps. Tells a flush that does not end from one after the other.</summary>
    public int PendingFlushes => _pendingFlushes;

    /// <summary>Bytes that the output was given. After the end: the writer's own until then.</summary>
    public long FlushedBytes => Volatile.Read(ref _flushedBytes);

    /// <summary>Writes an item, or queues it for whoever writes now. Returns with the item still queued, or gone.</summary>
    public void Send(IOutputItem item)
    {
        if (TryEnter())
        {
            Write(item);
            Drain();
        }
        else
        {
            Enqueue(item);
        }
    }

    /// <summary>Queues an item, for callers that did not get the role.</summary>
    public void Enqueue(IOutputItem item)
    {
        BoundedRing<IOutputItem> ring = _ring ?? CreateRing();
        if (!ring.TryEnqueue(item))
        {
            StandInLine(item);
        }

        if (Interlocked.Increment(ref _claims) == 1)
        {
            Drain();
        }
    }

    /// <summary>From within an item's <see cref="IOutputItem.Write"/>: it has more to write, and takes another turn behind those that wait.</summary>
    public void WriteAgain(IOutputItem item)
    {
        Postpone();
        Enqueue(item);
    }

    /// <summary>From within an item's <see cref="IOutputItem.Write"/>: it has more to write, and its owner sends it again later. It is not finished.</summary>
    public void Postpone() => _unflushed--;

    /// <summary>Takes the writer's role, for items that come one after the other on this thread, unless someone has it.</summary>
    public bool TryEnter()
    {
        if (Volatile.Read(ref _claims) != 0 || Interlocked.CompareExchange(ref _claims, 1, 0) != 0)
        {
            return false;
        }

        _claimsDone = 1;
        return true;
    }

    /// <summary>Writes an item that <see cref="Exit"/> will flush. Only in the role.</summary>
    public void WriteInRole(IOutputItem item)
    {
        if (_flushEach)
        {
            StandInLine(item);
            Interlocked.Increment(ref _claims);
        }
        else
        {
            Write(item);
        }
    }

    /// <summary>Whether the items written in the role should be flushed before there are more.</summary>
    public bool IsFull => _unflushedBytes >= BytesPerFlush;

    /// <summary>Writes what others have queued, flushes, and gives the role back. Only in the role.</summary>
    public void Exit() => Drain();

    /// <summary>The thread pool's entry, for a writer that has done its share on another thread.</summary>
    void IThreadPoolWorkItem.Execute() => Drain();

    private BoundedRing<IOutputItem> CreateRing()
    {
        BoundedRing<IOutputItem> ring = new(RingCapacity);
        return Interlocked.CompareExchange(ref _ring, ring, null) ?? ring;
    }

    private void StandInLine(IOutputItem item)
    {
        // The writer takes the whole line at once, so a head that is there again is no other line.
        IOutputItem? head;
        do
        {
            head = Volatile.Read(ref _line);
            item.NextInLine = head;
        }
        while (Interlocked.CompareExchange(ref _line, item, head) != head);
    }

    // In the writer's role. Returns when there is nothing left to do, or when someone else is bound to call it again.
    private void Drain()
    {
        SpinWait spin = default;
        for (int flushes = 0; flushes < FlushesPerTurn; flushes++)
        {
            while (!WriteQueued())
            {
                // A sender has claimed a slot in front of the others and not filled it yet.
                spin.SpinOnce(sleep1Threshold: -1);
            }

            if (!TryFlush() || TryLeave())
            {
                return;
            }
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    // False if there must be something, but it is not to be had yet.
    private bool WriteQueued()
    {
        int claims = Volatile.Read(ref _claims);
        int mostUnflushed = _flushEach ? 1 : int.MaxValue;
        while (_claimsDone < claims && _unflushed < mostUnflushed && _unflushedBytes < BytesPerFlush && TakeNext() is { } item)
        {
            _claimsDone++;
            Write(item);
        }

        return _claimsDone > 0;
    }

    // From the ring and from the line in turns: with either first, a flood could keep the other waiting for ever.
    private IOutputItem? TakeNext()
    {
        _isLinesTurn = !_isLinesTurn;
        if (_isLinesTurn)
        {
            return TakeFromLine() ?? TakeFromRing();
        }

        return TakeFromRing() ?? TakeFromLine();
    }

    private IOutputItem? TakeFromRing() => _ring is { } ring && ring.TryDequeue(out IOutputItem? item) ? item : null;

    private IOutputItem? TakeFromLine()
    {
        if (_front is null && Volatile.Read(ref _line) is not null)
        {
            IOutputItem? next = Interlocked.Exchange(ref _line, null);
            while (next is not null)
            {
                IOutputItem item = next;
                next = item.NextInLine;
                item.NextInLine = _front;
                _front = item;
            }
        }

        IOutputItem? first = _front;
        if (first is not null)
        {
            _front = first.NextInLine;
            first.NextInLine = null;
        }

        return first;
    }

    private void Write(IOutputItem item)
    {
        _unflushed += item == _end ? 0 : 1;
        if (_isBroken || _end is { IsReached: true })
        {
            item.Discard();
            return;
        }

        try
        {
            _unflushedBytes += item.Write(_output);
        }
        catch (Exception exception)
        {
            // Whatever a transport throws while it is written to means that nothing can be sent any more.
            Break(exception);
        }
    }

    // False if the flush is pending and will go on by itself.
    private bool TryFlush()
    {
        if (!_isBroken && _unflushedBytes > 0)
        {
            try
            {
                ValueTask<FlushResult> flush = _output.FlushAsync();
                if (!flush.IsCompleted)
                {
                    // A copy: once the continuation is registered, another thread may have the role.
                    ConfiguredValueTaskAwaitable<FlushResult>.ConfiguredValueTaskAwaiter awaiter = flush.ConfigureAwait(false).GetAwaiter();
                    _flush = awaiter;
                    _pendingFlushes++;
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
        if (!TryLeave())
        {
            Drain();
        }
    }

    private void EndFlush()
    {
        Volatile.Write(ref _finished, _finished + _unflushed);
        _unflushed = 0;
        _flushedBytes += _unflushedBytes;
        _unflushedBytes = 0;
        _isFlushing = false;
    }

    // Gives the role back if nobody has queued anything meanwhile. Afterwards nothing of the writer may be touched.
    private bool TryLeave()
    {
        if (_end is { IsReached: true } end)
        {
            _isBroken = true;
            end.TrySetResult();
        }

        int done = _claimsDone;
        _claimsDone = 0;
        bool left = Interlocked.Add(ref _claims, -done) == 0;
        TellWaiter();
        return left;
    }

    private void Check(FlushResult result)
    {
        if (result.IsCompleted || result.IsCanceled)
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
}
