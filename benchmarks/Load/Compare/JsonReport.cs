using System.Text.Json;
using Kestrel.Rpc.Benchmarks.Load.Cli;
using Kestrel.Rpc.Benchmarks.Load.Measure;

namespace Kestrel.Rpc.Benchmarks.Load.Compare;

/// <summary>Writes every sample and every summary into a file, for plots and for comparing runs.</summary>
internal static class JsonReport
{
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static void Write(string file, Machine machine, IEnumerable<string> missing, IReadOnlyList<Sample> samples, IReadOnlyList<(Scene Scene, Summary Summary)> summaries)
    {
        var report = new
        {
            machine,
            missing,
            summaries = summaries.Select(line => new
            {
                scene = Describe(line.Scene),
                server = line.Summary.Variant.Name,
                line.Summary.Cpu,
                line.Summary.RatioToSockets,
                line.Summary.Rate,
                line.Summary.P50,
                line.Summary.P99,
                line.Summary.Resident,
                line.Summary.Allocated,
                line.Summary.Busy,
                line.Summary.Disturbed,
            }),
            samples = samples.Select(sample => new
            {
                scene = Describe(sample.Step.Scene),
                server = sample.Step.Variant.Name,
                sample.Step.Round,
                sample.Load,
                sample.AllocatedBytes,
                sample.Collections,
                sample.ServerBusy,
                sample.Disturbed,
            }),
        };
        File.WriteAllText(file, JsonSerializer.Serialize(report, Format));
    }

    private static object Describe(Scene scene) => new { workload = Names.Of(scene.Workload), scene.Connections, scene.InFlight };
}
