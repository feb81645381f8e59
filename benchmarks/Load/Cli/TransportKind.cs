namespace Kestrel.Rpc.Benchmarks.Load.Cli;

/// <summary>The transport below Kestrel.</summary>
internal enum TransportKind
{
    Sockets,
    Epoll,
    IoUring,
}
