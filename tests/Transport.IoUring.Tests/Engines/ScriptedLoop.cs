using System.Buffers;
using System.Net;
using Kestrel.Rpc.Transport.Native;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>A running loop without an engine: what its kernel does is what the test says.</summary>
internal sealed unsafe class ScriptedLoop : EventLoop
{
    public ScriptedLoop(ConnectionSettings? settings = null)
        : base("scripted", MemoryPool<byte>.Shared, settings ?? CreateSettings(), maxBatchOfDirectSends: 0)
    {
    }

    /// <summary>The acceptor that was made last.</summary>
    public ScriptedAcceptor? Acceptor { get; private set; }

    /// <summary>Whether there is no memory for the objects of a connection.</summary>
    public bool RefusesSockets { get; set; }

    /// <summary>What registering a socket does; a negated error number, or an exception.</summary>
    public Func<int> StartSocket { get; set; } = () => 0;

    public static ConnectionSettings CreateSettings(ILogger? logger = null, ConnectionLimit? limit = null, TimeProvider? time = null) =>
        new(new EpollTransportOptions(), new GuardedLogger(logger ?? NullLogger.Instance), time) { Limit = limit };

    public override LoopSocket CreateSocket(int descriptor) =>
        RefusesSockets ? throw new NoMemoryException() : new ScriptedSocket(descriptor, StartSocket);

    public override LoopAcceptor CreateAcceptor(int descriptor, IAcceptTarget target) => Acceptor = new ScriptedAcceptor(target);

    public override LoopConnector CreateConnector(SocketAddress address) => throw new NotSupportedException();

    /// <summary>Whether the wake-up's descriptor is open; its number may be another's once it is not.</summary>
    public bool HoldsItsDescriptor => new FileInfo($"/proc/self/fd/{WakeDescriptor}").LinkTarget?.Contains("eventfd", StringComparison.Ordinal) == true;

    protected override void OpenOnLoop()
    {
    }

    protected override void WaitOnLoop(bool sleep)
    {
        var wake = new PollFd { Fd = WakeDescriptor, Events = (short)Libc.EPOLLIN };
        if (Libc.Poll(&wake, 1, sleep ? -1 : 0) > 0)
        {
            ResetWakeOnLoop();
        }
    }

    protected override int DispatchOnLoop() => 0;

    protected override void CloseOnLoop()
    {
    }
}
