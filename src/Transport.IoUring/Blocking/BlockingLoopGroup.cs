using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;

namespace Kestrel.Rpc.Transport;

/// <summary>One loop for the listeners, and one for every connection, which begins and ends with it.</summary>
internal sealed class BlockingLoopGroup : EventLoopGroup
{
    private readonly ConcurrentDictionary<BlockingLoop, bool> _connections = new();
    private readonly MemoryPool<byte> _memoryPool;
    private readonly ConnectionSettings _settings;
    private int _number;

    public BlockingLoopGroup(BlockingLoop listeners, MemoryPool<byte> memoryPool, ConnectionSettings settings)
        : base([listeners])
    {
        _memoryPool = memoryPool;
        _settings = settings;
    }

    /// <summary>Starts a thread for one connection.</summary>
    /// <exception cref="Exception">The system has no thread or no descriptor for it.</exception>
    public override EventLoop TakeLeastLoaded()
    {
        int number = Interlocked.Increment(ref _number) & int.MaxValue;
        string name = string.Create(CultureInfo.InvariantCulture, $"kestrel-conn-{number % 1000}");
        var loop = new BlockingLoop(name, new BorrowedMemoryPool(_memoryPool), _settings, ended => _connections.TryRemove(ended, out _));
        _connections[loop] = true;
        try
        {
            loop.Start(number);
        }
        catch
        {
            _connections.TryRemove(loop, out _);
            loop.Abandon();
            throw;
        }

        loop.AddConnection();
        return loop;
    }

    public override void Dispose()
    {
        base.Dispose(); // no more connections from here on
        foreach (BlockingLoop loop in _connections.Keys)
        {
            loop.Dispose();
        }

        _memoryPool.Dispose();
    }

    /// <summary>The pool of all loops, which outlives each of them.</summary>
    private sealed class BorrowedMemoryPool(MemoryPool<byte> pool) : MemoryPool<byte>
    {
        public override int MaxBufferSize => pool.MaxBufferSize;

        public override IMemoryOwner<byte> Rent(int minBufferSize = -1) => pool.Rent(minBufferSize);

        protected override void Dispose(bool disposing)
        {
            // The group does.
        }
    }
}
