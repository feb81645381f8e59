namespace Kestrel.Rpc.Transport;

/// <summary>What the io_uring and the epoll transport have in common. Read once, when the transport is first used.</summary>
public abstract class LinuxTransportOptions
{
    /// <summary>
    /// The number of event loops, each with a thread of its own. Default: <see langword="null"/>, which means one loop for
    /// every two processors (at least 1, at most 16) with <see cref="ApplicationScheduling.ThreadPool"/>, and one for every
    /// processor with <see cref="ApplicationScheduling.Inline"/>; with <see cref="LoopProcessors"/>, one for each entry of that
    /// list. 1 to 256.
    /// </summary>
    public int? LoopCount { get; set; }

    /// <summary>
    /// The processors that the loops run on: loop <c>i</c> on processor <c>i</c> of the list, which begins again at its end.
    /// Default: none, which leaves them to the scheduler. Numbers as in <c>/proc/cpuinfo</c>; each must be one that the process
    /// may use. A loop with a processor of its own takes its rings and buffers (8 MiB with io_uring) from that processor's
    /// memory when it starts. With a list and no <see cref="LoopCount"/> there is one loop for each of its entries.
    /// </summary>
    public IList<int> LoopProcessors { get; } = [];

    /// <summary>Whether loops look for work instead of sleeping. Default: they sleep.</summary>
    public PollingOptions Polling { get; } = new();

    /// <summary>Where application code runs. Default: <see cref="ApplicationScheduling.ThreadPool"/>.</summary>
    public ApplicationScheduling ApplicationScheduling { get; set; }

    /// <summary>
    /// How the connections of a TCP end point come to the loops. Default: <see cref="AcceptStrategy.SharedListener"/>. The blocking
    /// transport, whose connections have threads of their own, takes no other.
    /// </summary>
    public AcceptStrategy AcceptStrategy { get; set; }

    /// <summary>
    /// How many received bytes one connection may hold that the application has not consumed, before the transport stops
    /// reading from it; it reads again at half. Bytes; default 1 MiB; <see langword="null"/> means no limit. io_uring may
    /// exceed it by what the kernel delivers before it stops, up to some 400 KiB; with <c>SubmissionPolling</c> up to the
    /// receive buffers of a loop, 8 MiB, for all its connections together.
    /// </summary>
    public long? MaxReadBufferSize { get; set; } = 1024 * 1024;

    /// <summary>
    /// How many written bytes one connection may hold that the peer has not taken, before a flush waits; it completes at
    /// half. Bytes; default 64 KiB; <see langword="null"/> means no limit.
    /// </summary>
    public long? MaxWriteBufferSize { get; set; } = 64 * 1024;

    /// <summary>
    /// How many accepted connections the transport serves at a time, over all of its end points. Default:
    /// <see langword="null"/>, no limit; at least 1. A connection above the limit is accepted and reset at once: its peer gets an
    /// error instead of a server that does not answer (over a Unix socket, the end of the stream). A connection counts until its
    /// descriptor is closed. One warning tells when the limit is reached, one line when it is over.
    /// </summary>
    /// <remarks>
    /// Kestrel's own <c>MaxConcurrentConnections</c> counts later, when a connection has its buffers and its features, and for
    /// each server; this one costs a refused peer two system calls and no memory.
    /// </remarks>
    public int? MaxConnections { get; set; }

    /// <summary>
    /// The length of the kernel's queue of connections that wait to be accepted, cut to <c>net.core.somaxconn</c> by the
    /// kernel. Default 512; at least 1. With <see cref="AcceptStrategy.ReusePort"/> every loop has such a queue.
    /// </summary>
    public int Backlog { get; set; } = 512;

    /// <summary>Whether TCP connections send small segments at once (<c>TCP_NODELAY</c>). Default <see langword="true"/>.</summary>
    public bool NoDelay { get; set; } = true;

    /// <summary>
    /// How long connecting to an end point may take, with finding the addresses of a name and trying all of them; it has no
    /// effect on listeners. An address of a name has its equal share of the time that is left. Default 30 s; more than 0, up to
    /// 49 days, or <see cref="Timeout.InfiniteTimeSpan"/>, which leaves it to the kernel (about two minutes for an address that never answers).
    /// </summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Whether an aborted connection is closed with FIN instead of RST. With FIN the peer may take a cut-off reply for a
    /// whole one. Default <see langword="false"/>.
    /// </summary>
    public bool FinOnError { get; set; }
}
