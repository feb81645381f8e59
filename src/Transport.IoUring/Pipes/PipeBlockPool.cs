using System.Buffers;
using System.Diagnostics;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// The blocks of one loop's connections, so that a silent connection holds none. Their memory comes from a memory pool. Some of the
/// usual size that come back keep it for the next connection, the last returned first: the processor's caches still know it, where the pool
/// gives out what it has not touched for longest. When nobody has taken one of them for a moment, the pool gets it all. Any thread.
/// </summary>
internal sealed class PipeBlockPool : IDisposable
{
    /// <summary>How many blocks keep their memory at most: 1 MiB in blocks of 4 KiB.</summary>
    public const int MaxFilled = 256;

    // What a pool's block holds at least, so that small hints share a block; of most pools exactly.
    private const int MinBlockSize = 4096;

    // 16 MiB in blocks of 4 KiB, as many as the memory pool keeps: about 360 KB of objects, after a burst.
    private const int MaxEmpty = 4096;

    // Held for some nanoseconds: who does not get it soon does without the kept blocks rather than wait for a thread that lost its processor.
    private const int MaxAttempts = 16;

    /// <summary>How long kept memory may lie unused, at most twice that.</summary>
    public static readonly TimeSpan Idle = TimeSpan.FromMilliseconds(100);

    private readonly MemoryPool<byte> _memory;
    private readonly ITimer? _timer; // null: no memory is kept
    private readonly Action<Exception> _onFault;
    private int _taken; // 1 while a thread is in here, which guards the following
    private PipeBlock? _filled;
    private PipeBlock? _empty;
    private int _filledCount;
    private int _emptyCount;
    private bool _wasUsed; // since the timer was started last
    private bool _timerRuns;
    private bool _disposed;

    /// <param name="memory">Outlives the pool.</param>
    /// <param name="timeProvider">For the moment; <see langword="null"/>: memory goes back at once.</param>
    /// <param name="onFault">Gets what the memory throws when the timer gives it back.</param>
    public PipeBlockPool(MemoryPool<byte> memory, TimeProvider? timeProvider, Action<Exception> onFault)
    {
        _memory = memory;
        _onFault = onFault;
        _timer = timeProvider?.CreateTimer(
            static pool => ((PipeBlockPool)pool!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>A block that is in no chain yet, with room for at least <paramref name="sizeHint"/> bytes and at least one.</summary>
    public PipeBlock Rent(int sizeHint)
    {
        PipeBlock block = TakeKept(sizeHint) ?? new PipeBlock();
        if (block.Capacity > 0)
        {
            return block;
        }

        if (sizeHint <= _memory.MaxBufferSize)
        {
            block.Take(_memory.Rent(Math.Min(Math.Max(sizeHint, MinBlockSize), _memory.MaxBufferSize)));
        }
        else
        {
            block.Take(ArrayPool<byte>.Shared.Rent(sizeHint));
        }

        Debug.Assert(block.Capacity > 0, "A pool gives memory.");
        return block;
    }

    /// <summary>Takes a block back that is in no chain; the garbage collector gets the objects that are too many.</summary>
    public void Return(PipeBlock block)
    {
        if (!TryKeepFilled(block))
        {
            block.Reset();
            KeepEmpty(block);
        }
    }

    /// <summary>Gives the memory of all kept blocks back; what is returned later does not keep it.</summary>
    public void Dispose()
    {
        Enter();
        _disposed = true;
        PipeBlock? filled = TakeFilled();
        Exit();
        _timer?.Dispose();
        Empty(filled);
    }

    private void OnTimer()
    {
        Enter();
        bool goesOn = _wasUsed && !_disposed;
        _wasUsed = false;
        _timerRuns = goesOn;
        PipeBlock? filled = goesOn ? null : TakeFilled();
        Exit();
        if (goesOn)
        {
            _timer!.Change(Idle, Timeout.InfiniteTimeSpan);
        }

        Empty(filled);
    }

    private PipeBlock? TakeKept(int sizeHint)
    {
        if (!TryEnter())
        {
            return null;
        }

        PipeBlock? block = _filled;
        if (block is not null && block.Capacity >= sizeHint)
        {
            _filled = block.NextBlock;
            _filledCount--;
            _wasUsed = true;
        }
        else
        {
            block = _empty;
            if (block is not null)
            {
                _empty = block.NextBlock;
                _emptyCount--;
            }
        }

        Exit();
        block?.Unlink();
        return block;
    }

    private bool TryKeepFilled(PipeBlock block)
    {
        if (_timer is null || !block.IsOfMemoryPool || block.Capacity != MinBlockSize || !TryEnter())
        {
            return false;
        }

        bool isKept = _filledCount < MaxFilled && !_disposed;
        bool startsTimer = isKept && !_timerRuns;
        if (isKept)
        {
            block.Clear();
            block.Link(_filled);
            _filled = block;
            _filledCount++;
            _timerRuns = true;
        }

        Exit();
        if (startsTimer)
        {
            _timer.Change(Idle, Timeout.InfiniteTimeSpan);
        }

        return isKept;
    }

    private void KeepEmpty(PipeBlock block)
    {
        if (!TryEnter())
        {
            return;
        }

        if (_emptyCount < MaxEmpty)
        {
            block.Link(_empty);
            _empty = block;
            _emptyCount++;
        }

        Exit();
    }

    private PipeBlock? TakeFilled()
    {
        PipeBlock? filled = _filled;
        _filled = null;
        _filledCount = 0;
        return filled;
    }

    private void Empty(PipeBlock? filled)
    {
        while (filled is not null)
        {
            PipeBlock block = filled;
            filled = block.NextBlock;
            try
            {
                block.Reset();
                KeepEmpty(block);
            }
            catch (Exception e)
            {
                _onFault(e); // a memory pool of the user's own kind; the other blocks go back all the same
            }
        }
    }

    private void Enter()
    {
        var spin = default(SpinWait);
        while (!TryEnter())
        {
            spin.SpinOnce();
        }
    }

    private bool TryEnter()
    {
        for (int i = 0; i < MaxAttempts; i++)
        {
            if (Volatile.Read(ref _taken) == 0 && Interlocked.Exchange(ref _taken, 1) == 0)
            {
                return true;
            }

            Thread.SpinWait(4);
        }

        return false;
    }

    private void Exit() => Volatile.Write(ref _taken, 0);
}
