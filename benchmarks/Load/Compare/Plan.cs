using Kestrel.Rpc.Benchmarks.Load.Cli;

namespace Kestrel.Rpc.Benchmarks.Load.Compare;

/// <summary>Every measurement of one run, in its order.</summary>
internal sealed class Plan
{
    private readonly CompareSettings _settings;
    private readonly Func<Variant, bool> _present;

    /// <param name="settings">What was asked for.</param>
    /// <param name="present">Whether a variant can run on this machine.</param>
    public Plan(CompareSettings settings, Func<Variant, bool> present)
    {
        _settings = settings;
        _present = present;
        Scenes = [.. settings.Workloads.SelectMany(ScenesOf).Where(scene => VariantsOf(scene).Count > 0)];
        Steps = [.. Scenes.SelectMany(StepsOf)];
    }

    public IReadOnlyList<Scene> Scenes { get; }

    public IReadOnlyList<PlanStep> Steps { get; }

    /// <summary>The servers measured under these conditions.</summary>
    public IReadOnlyList<Variant> VariantsOf(Scene scene) =>
        [.. _settings.Variants.Where(variant => variant.Serves(scene.Workload) && _present(variant))];

    private IEnumerable<Scene> ScenesOf(Workload workload) =>
        from connections in _settings.Connections is { Length: > 0 } chosen ? chosen : UsualConnections(workload)
        from inFlight in workload == Workload.Rpc ? _settings.InFlight : [1]
        select new Scene(workload, connections, inFlight);

    private static int[] UsualConnections(Workload workload) => workload switch
    {
        Workload.Upload or Workload.Download => [8],
        Workload.Connect => [64],
        _ => [64, 512],
    };

    /// <summary>Each round measures every variant; every other round backwards, so that a drift of the machine hits all alike.</summary>
    private IEnumerable<PlanStep> StepsOf(Scene scene)
    {
        IReadOnlyList<Variant> variants = VariantsOf(scene);
        for (int round = 1; round <= _settings.Rounds; round++)
        {
            foreach (Variant variant in round % 2 == 1 ? variants : variants.Reverse())
            {
                yield return new PlanStep(scene, variant, round);
            }
        }
    }
}
