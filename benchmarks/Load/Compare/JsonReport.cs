using System.Text.Json;
using Kestrel.Rpc.Benchmarks.Load.Cli;
using Kestrel.Rpc.Benchmarks.Load.Measure;

namespace Kestrel.Rpc.Benchmarks.Load.Compare;

/// <summary>Writes every sample and every summary into a file, for plots and for comparing runs.</summary>
internal static class JsonReport
{
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static void Write(string file, Machine machine, IEnumerable<string> missing, Outcome outcome)
    {
        var report = new
        {
            machine,
            missing,
            summaries = outcome.Scenes.SelectMany(scene => outcome.LinesOf(scene).Select(line => new
            {
                scene = Describe(scene),
                server = line.Variant.Name,
                figures = Figures.Of(scene.Workload).ToDictionary(figure => figure.Name, line.Of),
                ratios = Figures.Of(scene.Workload).Where(figure => figure.Compared).ToDictionary(
                    figure => figure.Name,
                    figure => outcome.Peers.ToDictionary(peer => peer.Name, peer => line.Ratio(figure, peer))),
                line.Disturbed,
            })),
            samples = outcome.Samples.Select(sample => new
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
