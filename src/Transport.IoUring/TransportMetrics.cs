namespace Kestrel.Rpc.Transport;

/// <summary>
/// Names of the transports' meter, its instruments and their tags. Every instrument is observable and reports one value for
/// each event loop, read from what the loop counts anyway: a host without a listener pays nothing for it. Counters begin at 0
/// when the transport starts, with its first end point, and end with it.
/// </summary>
public static class TransportMetrics
{
    /// <summary>The meter, for example for <c>dotnet-counters monitor --counters Kestrel.Rpc.Transport</c>.</summary>
    public const string MeterName = "Kestrel.Rpc.Transport";

    /// <summary>Up-down counter: connections that are open.</summary>
    public const string Connections = "kestrel.rpc.transport.connections";

    /// <summary>Counter: connections accepted, by the loop that listens, whichever loop serves them.</summary>
    public const string AcceptedConnections = "kestrel.rpc.transport.connections.accepted";

    /// <summary>Counter: connections that were accepted and closed at once.</summary>
    public const string RejectedConnections = "kestrel.rpc.transport.connections.rejected";

    /// <summary>Counter: how often accepting has paused, for want of descriptors or memory or because too many connections wait.</summary>
    public const string AcceptPauses = "kestrel.rpc.transport.accept.pauses";

    /// <summary>Counter, in bytes: what connections have received and sent, told apart by <see cref="DirectionTag"/>. What a thread
    /// of the application has sent itself, without the loop, is counted with the connection's next receive or its end.</summary>
    public const string NetworkIo = "kestrel.rpc.transport.network.io";

    /// <summary>Counter: calls of <c>io_uring_enter</c> or <c>epoll_wait</c>.</summary>
    public const string Enters = "kestrel.rpc.transport.loop.enters";

    /// <summary>Counter: those of the calls that might block. A loop that always spins makes none.</summary>
    public const string Sleeps = "kestrel.rpc.transport.loop.sleeps";

    /// <summary>Counter: completions (io_uring) or events (epoll) taken from the kernel.</summary>
    public const string Completions = "kestrel.rpc.transport.loop.completions";

    /// <summary>Gauge: completions for each enter since the value was last asked for, by whomever; 0 without an enter.</summary>
    public const string CompletionsPerEnter = "kestrel.rpc.transport.loop.completions_per_enter";

    /// <summary>Counter: how often another thread had to wake a loop that slept, with a system call.</summary>
    public const string WakeUps = "kestrel.rpc.transport.loop.wakeups";

    /// <summary>Counter: receives that the kernel ended because the loop's buffers were used up; io_uring only.</summary>
    public const string BufferStarvations = "kestrel.rpc.transport.loop.buffer_starvations";

    /// <summary>Counter: turns of the loop that found more completions than their queue holds; io_uring only.</summary>
    public const string Overflows = "kestrel.rpc.transport.loop.overflows";

    /// <summary>Counter: how often the kernel lost completions, which aborts the loop's connections; io_uring only.</summary>
    public const string Losses = "kestrel.rpc.transport.loop.losses";

    /// <summary>Tag of every instrument: <c>io_uring</c>, <c>epoll</c> or <c>blocking</c>, whichever really serves.</summary>
    public const string EngineTag = "kestrel.rpc.transport.engine";

    /// <summary>
    /// Tag of every instrument: how the loop really waits. <c>sleep</c>, <c>spin 50us</c> (then sleep) or <c>spin</c> (always),
    /// followed by <c>+sqpoll</c> and <c>+napi</c> where the kernel polls.
    /// </summary>
    public const string ModeTag = "kestrel.rpc.transport.mode";

    /// <summary>Tag of every instrument: the loop's number in its transport, from 0. The threads of a blocking transport report as one.</summary>
    public const string LoopTag = "kestrel.rpc.transport.loop";

    /// <summary>Tag of <see cref="NetworkIo"/>: <c>receive</c> or <c>transmit</c>.</summary>
    public const string DirectionTag = "network.io.direction";
}
