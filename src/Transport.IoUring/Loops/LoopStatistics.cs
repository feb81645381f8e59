namespace Kestrel.Rpc.Transport;

/// <summary>
/// What one loop has done since its start. Plain fields: the loop's thread adds to them, any other may read a value that is
/// a moment old. Counting costs the same whether or not somebody looks.
/// </summary>
internal sealed class LoopStatistics
{
    /// <summary>System calls that hand the kernel requests or ask it for events.</summary>
    public long Enters;

    /// <summary>Waits that might block.</summary>
    public long Sleeps;

    /// <summary>Completions, or events of epoll.</summary>
    public long Completions;

    /// <summary>Posted items that have run.</summary>
    public long WorkItems;

    /// <summary>Connections that the listeners on this loop have accepted, whichever loop serves them.</summary>
    public long Accepted;

    /// <summary>Connections that were closed at once: their peers had gone.</summary>
    public long Rejected;

    /// <summary>How often accepting on this loop has paused: no descriptors, no memory, or too many connections wait.</summary>
    public long AcceptPauses;

    /// <summary>Bytes that connections have received.</summary>
    public long BytesReceived;

    /// <summary>Bytes that connections have sent; those sent by another thread come in with the connection's next receive or its end.</summary>
    public long BytesSent;

    /// <summary>Receives that the kernel ended because no buffer was left.</summary>
    public long BufferStarvations;

    /// <summary>Turns that found more completions than their queue holds, kept by the kernel.</summary>
    public long Overflows;

    /// <summary>How often the kernel has lost completions.</summary>
    public long Losses;

    /// <summary>Adds what another loop has done.</summary>
    public void Add(LoopStatistics other)
    {
        Enters += other.Enters;
        Sleeps += other.Sleeps;
        Completions += other.Completions;
        WorkItems += other.WorkItems;
        Accepted += other.Accepted;
        Rejected += other.Rejected;
        AcceptPauses += other.AcceptPauses;
        BytesReceived += other.BytesReceived;
        BytesSent += other.BytesSent;
        BufferStarvations += other.BufferStarvations;
        Overflows += other.Overflows;
        Losses += other.Losses;
    }
}
