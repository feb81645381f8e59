using System.Buffers;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// One memory pool for loops that come and go. It is disposed when the last that holds a share of it has disposed that: a thread that
/// ends its own host goes on for a moment, and takes and gives blocks. Any thread.
/// </summary>
internal sealed class SharedMemoryPool(MemoryPool<byte> pool)
{
    private int _shares;

    /// <summary>Takes a share. Only while somebody holds one, but for the first.</summary>
    public MemoryPool<byte> Share()
    {
        Interlocked.Increment(ref _shares);
        return new Part(this, pool);
    }

    private void Release()
    {
        if (Interlocked.Decrement(ref _shares) == 0)
        {
            pool.Dispose();
        }
    }

    private sealed class Part(SharedMemoryPool shared, MemoryPool<byte> pool) : MemoryPool<byte>
    {
        private int _released;

        public override int MaxBufferSize => pool.MaxBufferSize;

        public override IMemoryOwner<byte> Rent(int minBufferSize = -1) => pool.Rent(minBufferSize);

        protected override void Dispose(bool disposing)
        {
            if (Interlocked.Exchange(ref _released, 1) == 0)
            {
                shared.Release();
            }
        }
    }
}
