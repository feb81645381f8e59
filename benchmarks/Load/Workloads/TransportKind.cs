namespace Kestrel.Rpc.Benchmarks.Load.Workloads;

/// <summary>The transport below Kestrel.</summary>
internal enum TransportKind
{
    Sockets,
    Epoll,
    IoUring,
}
