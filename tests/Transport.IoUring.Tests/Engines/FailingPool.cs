using System.Buffers;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>A pool that gives nothing while <see cref="Fails"/>.</summary>
internal sealed class FailingPool : MemoryPool<byte>
{
    public bool Fails { get; set; }

    public override int MaxBufferSize => 4096;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1) => Fails ? throw new NoMemoryException() : Shared.Rent(4096);

    protected override void Dispose(bool disposing)
    {
    }
}
