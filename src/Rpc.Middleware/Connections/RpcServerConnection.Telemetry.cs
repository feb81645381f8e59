using System.Diagnostics;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <content>What those see of a connection who watch the server.</content>
internal sealed partial class RpcServerConnection
{
    private RpcConnectionCounts.Count? _counted;
    private ActivityContext? _around; // what was current when the connection began

    /// <summary>Whether somebody watched at the last read. Read loop only.</summary>
    public bool IsObserved { get; private set; }

    /// <summary>What the activities of its calls have in common. Any thread: whichever is made first stays.</summary>
    public RpcConnectionTrace Trace => field ?? Interlocked.CompareExchange(ref field, CreateTrace(), null) ?? field;

    private RpcConnectionTrace CreateTrace() =>
        new(Connection, Protocol, Plugged is not null ? 0 : Version2 is null ? RpcFrameHeader.Version1 : RpcFrameHeader.Version2, _around);

    private void CountIn()
    {
        RpcConnectionCounts counts = Server.Observer.Metrics.Connections;
        _counted = Plugged is not null ? counts.Add(Protocol) : counts.Add(Version2 is null ? RpcFrameHeader.Version1 : RpcFrameHeader.Version2);
    }

    private void CountOut() => _counted?.Remove();
}
