namespace Kestrel.Rpc.Transport;

/// <summary>
/// What one connection has moved and when, for idle time-outs and for reports: a feature of every connection of the Linux
/// transports. Any thread may read it, also after the connection has closed; values may be a turn of the event loop old.
/// </summary>
public interface IConnectionStatisticsFeature
{
    /// <summary>Bytes taken from the peer and given to the application's input.</summary>
    long BytesReceived { get; }

    /// <summary>Bytes of the application's output that the kernel has taken for the peer; whole flushes only.</summary>
    long BytesSent { get; }

    /// <summary>
    /// When bytes last came from the peer, to the turn of the event loop; <see langword="null"/> before the first.
    /// </summary>
    DateTimeOffset? LastReceived { get; }

    /// <summary>The time since bytes last came or went, or since the connection was accepted if none have.</summary>
    TimeSpan IdleTime { get; }
}
