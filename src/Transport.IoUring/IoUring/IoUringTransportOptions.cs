namespace Kestrel.Rpc.Transport;

/// <summary>Options of the io_uring transport.</summary>
public sealed class IoUringTransportOptions : LinuxTransportOptions
{
    /// <summary>
    /// What happens where the kernel refuses io_uring or lacks what the transport needs of it.
    /// Default: <see cref="IoUringFallback.Epoll"/>.
    /// </summary>
    public IoUringFallback Fallback { get; set; }

    /// <summary>Ring setup flags that may be asked for: tests take some away to play an older kernel.</summary>
    internal uint AllowedRingFlags { get; set; } = uint.MaxValue;
}
