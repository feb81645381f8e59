using System.Buffers;
using System.Globalization;

namespace Kestrel.Rpc.Transport;

/// <summary>One loop for the listeners, and one for every connection, which begins and ends with it.</summary>
internal sealed class BlockingLoopGroup : EventLoopGroup
{
    private readonly BlockingLoops _running;
    private readonly SharedMemoryPool _memoryPool;
    private readonly MemoryPool<byte> _share; // of it, so that it lives from one thread to the next
    private readonly ConnectionSettings _settings;
    private readonly Lock _lock = new();
    private int _number;
    private bool _disposed; // guarded by _lock, so that no thread starts once the threads to end are known

    private BlockingLoopGroup(BlockingLoop listeners, SharedMemoryPool memoryPool, ConnectionSettings settings)
        : base([listeners])
    {
        _running = new BlockingLoops(listeners);
        _memoryPool = memoryPool;
        _share = memoryPool.Share();
        _settings = settings;
    }

    public override bool IsOnOne => base.IsOnOne || Array.Exists(_running.OfConnections(), loop => loop.IsOnLoop);

    public override IReadOnlyList<IMeteredLoop> Metered => [_running];

    /// <summary>Starts the loop of the listeners.</summary>
    /// <param name="memoryPool">Of all loops; disposed with the last of them.</param>
    /// <param name="settings">Of the transport.</param>
    public static BlockingLoopGroup Start(MemoryPool<byte> memoryPool, ConnectionSettings settings)
    {
        var shared = new SharedMemoryPool(memoryPool);
        var listeners = new BlockingLoop("kestrel-accept", shared.Share(), settings, ended: null);
        var group = new BlockingLoopGroup(listeners, shared, settings);
        try
        {
            listeners.Start(0);
            return group;
        }
        catch
        {
            group.Dispose();
            throw;
        }
    }

    /// <summary>Starts a thread for one connection.</summary>
    /// <exception cref="ObjectDisposedException">The transport has stopped.</exception>
    /// <exception cref="IOException">The system has no thread or no descriptor for it.</exception>
    public override EventLoop TakeLeastLoaded()
    {
        int number = Interlocked.Increment(ref _number) & int.MaxValue;
        string name = string.Create(CultureInfo.InvariantCulture, $"kestrel-conn-{number % 1000}");
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            BlockingLoop loop = Start(name, number);
            loop.AddConnection();
            return loop;
        }
    }

    public override void GiveBack(EventLoop loop)
    {
        base.GiveBack(loop);
        loop.Dispose(); // it would wait for a connection for ever
    }

    public override void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
        }

        base.Dispose();
        DisposeAll(_running.OfConnections());
        _share.Dispose();
    }

    private BlockingLoop Start(string name, int number)
    {
        BlockingLoop? loop = null;
        MemoryPool<byte> share = _memoryPool.Share();
        try
        {
            loop = new BlockingLoop(name, share, _settings, _running.End);
            _running.Add(loop);
            loop.Start(number);
            return loop;
        }
        catch (Exception e)
        {
            if (loop is not null)
            {
                _running.End(loop);
                loop.Abandon();
            }

            share.Dispose();
            throw new IOException($"the system has no thread or no descriptor for another connection ({e.Message})", e);
        }
    }
}
