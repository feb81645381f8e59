using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Benchmarks.Soak;

/// <summary>The memory of a server's transport: knows how many blocks are out. Any thread. Tests of the server use it, too.</summary>
internal sealed class CountingMemoryPool : MemoryPool<byte>, IMemoryPoolFactory<byte>
{
    private int _rented;
    private long _everRented;

    public int Rented => Volatile.Read(ref _rented);

    /// <summary>How many blocks were ever rented: none would mean that the transport uses other memory.</summary>
    public long EverRented => Volatile.Read(ref _everRented);

    public override int MaxBufferSize => Shared.MaxBufferSize;

    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => this;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        Interlocked.Increment(ref _rented);
        Interlocked.Increment(ref _everRented);
        return new Block(this, Shared.Rent(minBufferSize < 0 ? 4096 : minBufferSize));
    }

    protected override void Dispose(bool disposing)
    {
    }

    private sealed class Block(CountingMemoryPool pool, IMemoryOwner<byte> memory) : IMemoryOwner<byte>
    {
        private int _isReturned;

        public Memory<byte> Memory => memory.Memory;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isReturned, 1) == 0)
            {
                memory.Dispose();
                Interlocked.Decrement(ref pool._rented);
            }
        }
    }
}
