using Kestrel.Rpc.Benchmarks.Load.Cli;

namespace Kestrel.Rpc.Benchmarks.Load.Compare;

/// <summary>What is reported of each workload.</summary>
internal static class Figures
{
    private const double Mebibyte = 1024 * 1024;

    /// <summary>The columns, the most telling first.</summary>
    public static IReadOnlyList<Figure> Of(Workload workload)
    {
        bool bulk = workload is Workload.Upload or Workload.Download;
        string unit = UnitOf(workload);
        return
        [
            new Figure("cpu", $"CPU us/{unit}", bulk ? "F1" : "F2", sample => sample.Load.ServerMicrosecondsPerRequest) { Compared = true },
            bulk
                ? new Figure("rate", $"{unit}/s", "F0", sample => sample.Load.RequestsPerSecond) { Compared = true }
                : new Figure("rate", $"1000 {unit}/s", "F1", sample => sample.Load.RequestsPerSecond) { Scale = 1e-3 },
            new Figure("p50", "p50 us", "F0", sample => sample.Load.P50),
            new Figure("p99", "p99 us", "F0", sample => sample.Load.P99),
            new Figure("switches", $"switches/{unit}", "F3", sample => sample.SwitchesPerRequest),
            new Figure("allocated", $"bytes/{unit}", "F1", sample => sample.AllocatedPerRequest),
            new Figure("resident", "RSS MiB", "F1", sample => sample.Load.ServerResident) { Scale = 1 / Mebibyte },
            new Figure("busy", "busy %", "F0", sample => sample.ServerBusy) { Scale = 100 },
        ];
    }

    /// <summary>What one request of the workload is.</summary>
    public static string UnitOf(Workload workload) => workload switch
    {
        Workload.Rpc => "call",
        Workload.Upload or Workload.Download => "MiB",
        Workload.Connect => "conn",
        _ => "req",
    };
}
