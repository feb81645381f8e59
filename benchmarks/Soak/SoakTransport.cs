namespace Kestrel.Rpc.Benchmarks.Soak;

internal enum SoakTransport
{
    IoUring,
    Epoll,
    Sockets,
}
