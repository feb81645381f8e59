using System.Buffers;
using System.Collections.Concurrent;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>
/// The memory pool of a transport under test: counts the blocks that are out, refuses double returns, and overwrites
/// returned blocks, so that a use after return shows as wrong data.
/// </summary>
internal sealed class TrackingMemoryPoolFactory(bool pinned) : IMemoryPoolFactory<byte>
{
    private readonly ConcurrentQueue<byte[]> _free = new();
    private int _outstanding;
    private int _doubleReturns;
    private long _rented;

    /// <summary>Blocks that were rented and have not come back.</summary>
    public int Outstanding => Volatile.Read(ref _outstanding);

    /// <summary>Blocks that came back more than once.</summary>
    public int DoubleReturns => Volatile.Read(ref _doubleReturns);

    /// <summary>Blocks rented so far.</summary>
    public long Rented => Volatile.Read(ref _rented);

    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => new Pool(this);

    private Block Rent()
    {
        Interlocked.Increment(ref _outstanding);
        Interlocked.Increment(ref _rented);
        return new Block(this, _free.TryDequeue(out byte[]? array) ? array : GC.AllocateUninitializedArray<byte>(Pool.BlockSize, pinned));
    }

    private void Return(byte[] array)
    {
        array.AsSpan().Fill(0xDD);
        _free.Enqueue(array);
        Interlocked.Decrement(ref _outstanding);
    }

    private sealed class Pool(TrackingMemoryPoolFactory factory) : MemoryPool<byte>
    {
        public const int BlockSize = 4096;

        public override int MaxBufferSize => BlockSize;

        public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, BlockSize);
            return factory.Rent();
        }

        protected override void Dispose(bool disposing)
        {
            // Blocks that are still out count on: the factory outlives the pool.
        }
    }

    private sealed class Block(TrackingMemoryPoolFactory factory, byte[] array) : IMemoryOwner<byte>
    {
        private int _returned;

        // A pool of pinned arrays says so, as Kestrel's own does; the other leaves pinning to whoever needs it.
        public Memory<byte> Memory { get; } = factory.Pinned ? System.Runtime.InteropServices.MemoryMarshal.CreateFromPinnedArray(array, 0, array.Length) : array;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _returned, 1) == 0)
            {
                factory.Return(array);
            }
            else
            {
                Interlocked.Increment(ref factory._doubleReturns);
            }
        }
    }

    private bool Pinned => pinned;
}
