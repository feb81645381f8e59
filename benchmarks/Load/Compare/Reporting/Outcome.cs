namespace Kestrel.Rpc.Benchmarks.Load.Compare.Reporting;

/// <summary>All a run has shown.</summary>
internal sealed class Outcome
{
    private readonly Dictionary<Scene, IReadOnlyList<Summary>> _lines;

    public Outcome(Plan plan, IReadOnlyList<Sample> samples, IReadOnlyList<Variant> peers)
    {
        Scenes = plan.Scenes;
        Samples = samples;
        Peers = peers;
        _lines = plan.Scenes.ToDictionary(scene => scene, IReadOnlyList<Summary> (scene) =>
        {
            Sample[] own = [.. samples.Where(sample => sample.Step.Scene == scene)];
            return [.. plan.VariantsOf(scene).Select(variant => new Summary(own, variant))];
        });
        Growths =
        [
            .. from sample in samples
               let scene = sample.Step.Scene
               where Figures.ShowsCpu(scene.Workload)
               group sample by (scene.Workload, scene.InFlight) into own
               select new Growth([.. own], plan.VariantsOf(own.First().Step.Scene)),
        ];
    }

    public IReadOnlyList<Scene> Scenes { get; }

    public IReadOnlyList<Sample> Samples { get; }

    public IReadOnlyList<Variant> Peers { get; }

    /// <summary>CPU against connections, for each workload where that says something.</summary>
    public IReadOnlyList<Growth> Growths { get; }

    /// <summary>One line for each variant measured in the scene.</summary>
    public IReadOnlyList<Summary> LinesOf(Scene scene) => _lines[scene];
}
