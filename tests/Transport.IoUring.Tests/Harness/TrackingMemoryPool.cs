using System.Buffers;
using System.Collections.Concurrent;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>
/// The memory pools of a transport under test: they count the blocks that are out, refuse double returns, and overwrite
/// returned blocks, so that a use after return shows as wrong data. One that is disposed gives nothing more, as Kestrel's own.
/// </summary>
internal sealed class TrackingMemoryPoolFactory(bool pinned) : IMemoryPoolFactory<byte>
{
    private readonly ConcurrentQueue<byte[]> _free = new();
    private int _outstanding;
    private int _doubleReturns;
    private long _rented;
    private int _pools;

    /// <summary>Blocks that were rented and have not come back.</summary>
    public int Outstanding => Volatile.Read(ref _outstanding);

    /// <summary>Blocks that came back more than once.</summary>
    public int DoubleReturns => Volatile.Read(ref _doubleReturns);

    /// <summary>Blocks rented so far.</summary>
    public long Rented => Volatile.Read(ref _rented);

    /// <summary>Pools that are not disposed.</summary>
    public int Pools => Volatile.Read(ref _pools);

    public MemoryPool<byte> Create(MemoryPoolOptions? options = null)
    {
        Interlocked.Increment(ref _pools);
        return new Pool(this);
    }

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

        private int _disposed;

        public override int MaxBufferSize => BlockSize;

        public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, BlockSize);
            ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
            return factory.Rent();
        }

        protected override void Dispose(bool disposing)
        {
            // Blocks that are still out count on: the factory outlives the pool.
            if (Interlocked.Exchange(ref _disposed, 1) == 0)
            {
                Interlocked.Decrement(ref factory._pools);
            }
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
