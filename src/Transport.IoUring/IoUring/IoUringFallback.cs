namespace Kestrel.Rpc.Transport;

/// <summary>What the io_uring transport does on a machine that has no usable io_uring.</summary>
public enum IoUringFallback
{
    /// <summary>The end point is served by the epoll engine with the same options; one warning says why.</summary>
    Epoll,

    /// <summary>Binding an end point throws <see cref="PlatformNotSupportedException"/> with the reason.</summary>
    Fail,
}
