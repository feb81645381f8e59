namespace Kestrel.Rpc.Transport;

/// <summary>What the io_uring and the epoll transport have in common. Read once, when the first end point is bound.</summary>
public abstract class LinuxTransportOptions
{
    /// <summary>
    /// The number of event loops, each with a thread of its own. Default: <see langword="null"/>, which means one loop for
    /// every two processors (at least 1, at most 16) with <see cref="ApplicationScheduling.ThreadPool"/>, and one for every
    /// processor with <see cref="ApplicationScheduling.Inline"/>. 1 to 256.
    /// </summary>
    public int? LoopCount { get; set; }

    /// <summary>Where application code runs. Default: <see cref="ApplicationScheduling.ThreadPool"/>.</summary>
    public ApplicationScheduling ApplicationScheduling { get; set; }

    /// <summary>
    /// How many received bytes one connection may hold that the application has not consumed, before the transport stops
    /// reading from it; it reads again at half. Bytes; default 1 MiB; <see langword="null"/> means no limit. io_uring may
    /// exceed it by what the kernel delivers before it stops, up to about 256 KiB.
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
    /// kernel. Default 512; at least 1.
    /// </summary>
    public int Backlog { get; set; } = 512;

    /// <summary>Whether TCP connections send small segments at once (<c>TCP_NODELAY</c>). Default <see langword="true"/>.</summary>
    public bool NoDelay { get; set; } = true;

    /// <summary>
    /// Whether an aborted connection is closed with FIN instead of RST. With FIN the peer may take a cut-off reply for a
    /// whole one. Default <see langword="false"/>.
    /// </summary>
    public bool FinOnError { get; set; }
}
