using System.Text.Json;
using Kestrel.Rpc.Benchmarks.Load.Cli;
using Kestrel.Rpc.Benchmarks.Load.Measure;

namespace Kestrel.Rpc.Benchmarks.Load.Compare.Reporting;

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
                ratios = Against(outcome, scene, figure => figure.Compared, line.Ratio),
                differences = Against(outcome, scene, figure => figure.Subtracted, line.Difference),
                line.Disturbed,
            })),
            growths = outcome.Growths.SelectMany(growth => growth.Variants.Select(variant => new
            {
                growth.Workload,
                growth.InFlight,
                server = variant.Name,
                growth.Connections,
                growth = growth.Of(variant),
                ratios = outcome.Peers.ToDictionary(peer => peer.Name, peer => growth.Ratio(variant, peer)),
            })),
            samples = outcome.Samples.Select(sample => new
            {
                scene = Describe(sample.Step.Scene),
                server = sample.Step.Variant.Name,
                sample.Step.Round,
                sample.Load,
                sample.AllocatedBytes,
                sample.Collections,
                sample.MemoryCollected,
                sample.ServerBusy,
                sample.Disturbed,
            }),
        };
        File.WriteAllText(file, JsonSerializer.Serialize(report, Format));
    }

    private static Dictionary<string, Dictionary<string, Spread?>> Against(
        Outcome outcome, Scene scene, Func<Figure, bool> wanted, Func<Figure, Variant, Spread?> relate) =>
        Figures.Of(scene.Workload).Where(wanted).ToDictionary(
            figure => figure.Name,
            figure => outcome.Peers.ToDictionary(peer => peer.Name, peer => relate(figure, peer)));

    private static object Describe(Scene scene) => new { workload = Names.Of(scene.Workload), scene.Connections, scene.InFlight };
}
