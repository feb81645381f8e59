using System.Buffers;
using System.Net;

namespace Kestrel.Rpc.Transport;

/// <summary>A loop that is told which descriptors are ready, and whose sockets do their calls themselves.</summary>
internal abstract class ReadinessLoop : EventLoop
{
    private ReceiveMessage? _receiveMessage; // with the first bulk receive

    protected ReadinessLoop(
        string name, MemoryPool<byte> memoryPool, ConnectionSettings settings, int maxBatchOfDirectSends, bool keepsMemory = true)
        : base(name, memoryPool, settings, maxBatchOfDirectSends, keepsMemory)
    {
    }

    /// <summary>For the one send that runs on this loop at a time.</summary>
    public SendMessage SendMessage { get; } = new();

    /// <summary>For the one bulk receive that runs on this loop at a time.</summary>
    public ReceiveMessage ReceiveMessage => _receiveMessage ??= new ReceiveMessage();

    public override LoopSocket CreateSocket(int descriptor) => new EpollSocket(this, descriptor);

    public override LoopAcceptor CreateAcceptor(int descriptor, IAcceptTarget target) => new EpollAcceptor(this, descriptor, target);

    public override LoopConnector CreateConnector(SocketAddress address) => new EpollConnector(this, address);

    /// <summary>Registers a descriptor. 0, or a negated error number; then <paramref name="token"/> is of no use.</summary>
    public abstract int Watch(int descriptor, uint events, IEpollWatcher watcher, out ulong token);

    /// <summary>
    /// Removes a descriptor before it is closed. Closing alone would not do where somebody holds a duplicate of it.
    /// </summary>
    public abstract void Unwatch(int descriptor, ulong token);

    protected override void CloseOnLoop()
    {
        SendMessage.Dispose();
        _receiveMessage?.Dispose();
    }
}
