using System.Buffers;
using System.Diagnostics;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// The blocks of one loop's connections. Their memory comes from a memory pool and goes back to it at once; the empty block objects
/// are kept here for all connections, so that a silent one holds none. Any thread.
/// </summary>
internal sealed class PipeBlockPool
{
    // What a pool's block holds at least, so that small hints share a block.
    private const int MinBlockSize = 4096;

    // Two responses of 1 MiB in blocks of 4 KiB, about 45 KB of objects.
    private const int Capacity = 512;

    // Held for some nanoseconds: who does not get it soon does without the kept objects rather than wait for a thread that lost its processor.
    private const int MaxAttempts = 16;

    private readonly MemoryPool<byte> _memory;
    private PipeBlock? _first;
    private int _count;
    private int _taken; // 1 while a thread is in here

    public PipeBlockPool(MemoryPool<byte> memory) => _memory = memory;

    /// <summary>A block that is in no chain yet, with room for at least <paramref name="sizeHint"/> bytes and at least one.</summary>
    public PipeBlock Rent(int sizeHint)
    {
        PipeBlock block = TakeKept() ?? new PipeBlock();
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
        block.Reset();
        if (!TryEnter())
        {
            return;
        }

        if (_count < Capacity)
        {
            block.Link(_first);
            _first = block;
            _count++;
        }

        Exit();
    }

    private PipeBlock? TakeKept()
    {
        if (!TryEnter())
        {
            return null;
        }

        PipeBlock? block = _first;
        if (block is not null)
        {
            _first = block.NextBlock;
            _count--;
        }

        Exit();
        block?.Unlink();
        return block;
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
