using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport;

/// <summary>The memory pools of a process without Kestrel.</summary>
internal sealed class BlockPoolFactory : IMemoryPoolFactory<byte>
{
    public static readonly BlockPoolFactory Instance = new();

    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => new BlockPool();
}
