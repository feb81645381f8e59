using Kestrel.Rpc.Benchmarks.Load.Serve;
using Kestrel.Rpc.Benchmarks.Load.Workloads;

namespace Kestrel.Rpc.Benchmarks.Load.Cli;

/// <summary>The words of the command line.</summary>
internal static class Names
{
    public static readonly IReadOnlyDictionary<string, Workload> Workloads = new Dictionary<string, Workload>
    {
        ["echo"] = Workload.Echo,
        ["http"] = Workload.Http,
        ["rpc"] = Workload.Rpc,
        ["rpc2"] = Workload.Rpc2,
        ["upload"] = Workload.Upload,
        ["download"] = Workload.Download,
        ["connect"] = Workload.Connect,
        ["idle"] = Workload.Idle,
        ["pingpong"] = Workload.PingPong,
        ["pingpong-spin"] = Workload.PingPongSpin,
        ["dial"] = Workload.Dial,
    };

    public static readonly IReadOnlyDictionary<string, TransportKind> Transports = new Dictionary<string, TransportKind>
    {
        ["sockets"] = TransportKind.Sockets,
        ["epoll"] = TransportKind.Epoll,
        ["io_uring"] = TransportKind.IoUring,
    };

    public static readonly IReadOnlyDictionary<string, Scheduling> Schedulings = new Dictionary<string, Scheduling>
    {
        ["pool"] = Scheduling.Pool,
        ["inline"] = Scheduling.Inline,
    };

    public static string Of(Workload workload) => Find(Workloads, workload);

    public static string Of(TransportKind transport) => Find(Transports, transport);

    public static string Of(Scheduling scheduling) => Find(Schedulings, scheduling);

    private static string Find<T>(IReadOnlyDictionary<string, T> names, T value) =>
        names.First(pair => EqualityComparer<T>.Default.Equals(pair.Value, value)).Key;
}
