using Kestrel.Rpc.Benchmarks.Load.Workloads;

namespace Kestrel.Rpc.Benchmarks.Load.Compare.Reporting;

/// <summary>What is reported of each workload.</summary>
internal static class Figures
{
    private const double Mebibyte = 1024 * 1024;

    private static readonly Figure Switches = new("switches", "switches/req", "F3", sample => sample.SwitchesPerRequest);
    private static readonly Figure Resident = new("resident", "RSS MiB", "F1", sample => sample.Load.ServerResident) { Scale = 1 / Mebibyte };
    private static readonly Figure Busy = new("busy", "busy %", "F0", sample => sample.ServerBusy) { Scale = 100 };
    private static readonly Figure P50 = new("p50", "p50 us", "F0", sample => sample.Load.P50);
    private static readonly Figure P99 = new("p99", "p99 us", "F0", sample => sample.Load.P99);

    /// <summary>The columns, the most telling first.</summary>
    public static IReadOnlyList<Figure> Of(Workload workload) => workload switch
    {
        Workload.Idle => OfIdle,
        Workload.PingPong or Workload.PingPongSpin => OfPingPong,
        Workload.Dial => OfDial,
        Workload.Upload or Workload.Download => OfLoad(workload, "F1", new Figure("rate", "MiB/s", "F0", sample => sample.Load.RequestsPerSecond) { Compared = true }),
        _ => OfLoad(
            workload, "F2", new Figure("rate", $"1000 {UnitOf(workload)}/s", "F1", sample => sample.Load.RequestsPerSecond) { Scale = 1e-3 }),
    };

    /// <summary>Whether the server's CPU for a request is what the workload is about.</summary>
    public static bool ShowsCpu(Workload workload) => workload is not (Workload.Idle or Workload.PingPong or Workload.PingPongSpin or Workload.Dial);

    /// <summary>What one request of the workload is.</summary>
    public static string UnitOf(Workload workload) => workload switch
    {
        Workload.Rpc or Workload.Rpc2 => "call",
        Workload.Upload or Workload.Download => "MiB",
        Workload.Connect or Workload.Idle => "conn",
        _ => "req",
    };

    private static IReadOnlyList<Figure> OfIdle { get; } =
    [
        new Figure("memory", "bytes/conn", "F0", sample => sample.GrowthPerConnection(use => use.Anonymous)) { Compared = true },
        new Figure("memoryLive", "after GC", "F0", sample => sample.LiveGrowthPerConnection(use => use.Anonymous)) { Compared = true },
        new Figure("memoryResident", "RSS/conn", "F0", sample => sample.GrowthPerConnection(use => use.Resident)),
        new Figure("memoryResidentLive", "RSS after GC", "F0", sample => sample.LiveGrowthPerConnection(use => use.Resident)),
        new Figure("allocated", "allocated/conn", "F0", sample => sample.AllocatedPerRequest),
        Resident,
    ];

    private static IReadOnlyList<Figure> OfPingPong { get; } =
    [
        P50 with { Format = "F1", Compared = true },
        P99 with { Format = "F1", Compared = true },
        new Figure("rate", "1000 req/s", "F1", sample => sample.Load.RequestsPerSecond) { Scale = 1e-3 },
        new Figure("cpu", "CPU us/req", "F2", sample => sample.Load.ServerMicrosecondsPerRequest),
        Switches,
        Busy,
    ];

    private static IReadOnlyList<Figure> OfDial { get; } =
    [
        new Figure("clientPerServer", "client / server", "F2", sample => sample.ClientPerServer),
        new Figure("clientCpu", "client CPU us/req", "F2", sample => sample.Load.ClientMicrosecondsPerRequest),
        new Figure("cpu", "server CPU us/req", "F2", sample => sample.Load.ServerMicrosecondsPerRequest),
        new Figure("rate", "1000 req/s", "F1", sample => sample.Load.RequestsPerSecond) { Scale = 1e-3 },
        P50,
        P99,
        new Figure("clientBusy", "client busy %", "F0", sample => sample.ClientBusy) { Scale = 100 },
        Busy with { Title = "server busy %" },
    ];

    private static IReadOnlyList<Figure> OfLoad(Workload workload, string format, Figure rate)
    {
        string unit = UnitOf(workload);
        return
        [
            new Figure("cpu", $"CPU us/{unit}", format, sample => sample.Load.ServerMicrosecondsPerRequest) { Compared = true },
            rate,
            P50,
            P99,
            Switches with { Title = $"switches/{unit}" },
            new Figure("allocated", $"bytes/{unit}", "F1", sample => sample.AllocatedPerRequest) { Subtracted = true },
            Resident,
            Busy,
        ];
    }
}
