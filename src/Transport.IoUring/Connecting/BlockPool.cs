using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Kestrel.Rpc.Transport;

/// <summary>Pinned blocks of 4 KiB, as Kestrel's own pool has them; used again, up to a number that is kept. Any thread.</summary>
internal sealed class BlockPool : MemoryPool<byte>
{
    public const int BlockSize = 4096;

    // 16 MiB a loop: what a burst took beyond that goes to the garbage collector.
    private const int MaxKept = 4096;

    private readonly ConcurrentQueue<Block> _kept = new();
    private int _keptCount;
    private volatile bool _disposed;

    public override int MaxBufferSize => BlockSize;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, BlockSize);
        if (!_kept.TryDequeue(out Block? block))
        {
            return new Block(this);
        }

        Interlocked.Decrement(ref _keptCount);
        return block;
    }

    // Blocks that are out come back after it: a connection may outlive the loop that disposes the pool.
    protected override void Dispose(bool disposing)
    {
        _disposed = true;
        _kept.Clear();
    }

    private void Return(Block block)
    {
        if (_disposed)
        {
            return;
        }

        if (Interlocked.Increment(ref _keptCount) <= MaxKept)
        {
            _kept.Enqueue(block);
        }
        else
        {
            Interlocked.Decrement(ref _keptCount);
        }
    }

    /// <summary>One block, which is its own owner and is never freed while somebody holds it.</summary>
    private sealed class Block : IMemoryOwner<byte>
    {
        private readonly BlockPool _pool;

        public Block(BlockPool pool)
        {
            _pool = pool;
            byte[] array = GC.AllocateUninitializedArray<byte>(BlockSize, pinned: true);
            Memory = MemoryMarshal.CreateFromPinnedArray(array, 0, BlockSize);
        }

        public Memory<byte> Memory { get; }

        public void Dispose() => _pool.Return(this);
    }
}
