namespace Kestrel.Rpc.Transport;

/// <summary>Options of the io_uring transport.</summary>
public sealed class IoUringTransportOptions : LinuxTransportOptions
{
    /// <summary>
    /// What happens where the kernel refuses io_uring or lacks what the transport needs of it.
    /// Default: <see cref="IoUringFallback.Epoll"/>.
    /// </summary>
    public IoUringFallback Fallback { get; set; }

    /// <summary>A kernel thread that takes the loops' requests. Default: none.</summary>
    public SubmissionPollingOptions SubmissionPolling { get; } = new();

    /// <summary>Ring setup flags that may be asked for: tests take some away to play an older kernel.</summary>
    internal uint AllowedRingFlags { get; set; } = uint.MaxValue;

    /// <summary>The number of 4 KiB receive buffers of a loop, a power of two: tests take a few, so that they run out.</summary>
    /// <remarks>
    /// 8 MiB a loop, touched as it is used: enough for the bytes that arrive between two turns of a busy loop. When it is not,
    /// the kernel ends multishot receives with ENOBUFS, which costs a request each to begin again and nothing else.
    /// </remarks>
    internal int ReceiveBufferCount { get; set; } = 2048;
}
