using Kestrel.Rpc.Benchmarks.Load.Cli;
using Kestrel.Rpc.Benchmarks.Load.Workloads;

namespace Kestrel.Rpc.Benchmarks.Load.Compare;

/// <summary>The servers that can be compared.</summary>
internal static class Variants
{
    public static readonly Variant SocketsPool = new("sockets-pool") { Transport = TransportKind.Sockets, Scheduling = Scheduling.Pool };
    public static readonly Variant SocketsInline = new("sockets-inline") { Transport = TransportKind.Sockets, Scheduling = Scheduling.Inline };
    public static readonly Variant EpollPool = new("epoll-pool") { Transport = TransportKind.Epoll, Scheduling = Scheduling.Pool };
    public static readonly Variant EpollInline = new("epoll-inline") { Transport = TransportKind.Epoll, Scheduling = Scheduling.Inline };
    public static readonly Variant IoUringPool = new("iouring-pool") { Transport = TransportKind.IoUring, Scheduling = Scheduling.Pool };
    public static readonly Variant IoUringInline = new("iouring-inline") { Transport = TransportKind.IoUring, Scheduling = Scheduling.Inline };
    public static readonly Variant EpollPolling = new("epoll-polling") { Transport = TransportKind.Epoll, Scheduling = Scheduling.Inline, Polls = true };
    public static readonly Variant IoUringPolling = new("iouring-polling") { Transport = TransportKind.IoUring, Scheduling = Scheduling.Inline, Polls = true };
    public static readonly Variant CEpoll = new("c-epoll") { Limit = new LimitSource("epoll_server.c") };
    public static readonly Variant CEpollPolling = new("c-epoll-polling") { Limit = new LimitSource("epoll_server.c"), Arguments = ["spin"], Polls = true };
    public static readonly Variant CIoUring = new("c-iouring") { Limit = new LimitSource("uring_server.c", "uring", "liburing-dev") };

    /// <summary>All of them, by name, in the order of the report.</summary>
    public static readonly IReadOnlyDictionary<string, Variant> ByName =
        new[] { SocketsPool, SocketsInline, EpollPool, EpollInline, EpollPolling, IoUringPool, IoUringInline, IoUringPolling, CEpoll, CIoUring, CEpollPolling }
            .ToDictionary(variant => variant.Name);

    /// <summary>What the others are set against if nothing else was asked for.</summary>
    public static readonly IReadOnlyList<Variant> StandardPeers = [SocketsPool, SocketsInline, CEpoll, CIoUring, CEpollPolling];
}
