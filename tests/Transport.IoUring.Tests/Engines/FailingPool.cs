using System.Buffers;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>A pool that gives nothing while <see cref="Fails"/>.</summary>
internal sealed class FailingPool : MemoryPool<byte>
{
    private int _outstanding;

    /// <summary>Blocks that were rented and have not come back.</summary>
    public int Outstanding => Volatile.Read(ref _outstanding);

    public bool Fails { get; set; }

    public override int MaxBufferSize => 4096;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1) => Fails ? throw new NoMemoryException() : new Block(this);

    protected override void Dispose(bool disposing)
    {
    }

    private sealed class Block : IMemoryOwner<byte>
    {
        private readonly FailingPool _pool;

        public Block(FailingPool pool)
        {
            _pool = pool;
            Interlocked.Increment(ref pool._outstanding);
        }

        public Memory<byte> Memory { get; } = new byte[4096];

        public void Dispose() => Interlocked.Decrement(ref _pool._outstanding);
    }
}
