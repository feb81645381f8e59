using Kestrel.Rpc.Benchmarks.Load.Workloads;

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
        Steps = [.. Scenes.GroupBy(scene => scene.Workload).SelectMany(StepsOf)];
    }

    public IReadOnlyList<Scene> Scenes { get; }

    public IReadOnlyList<PlanStep> Steps { get; }

    /// <summary>The servers measured under these conditions.</summary>
    public IReadOnlyList<Variant> VariantsOf(Scene scene) =>
        [.. _settings.Variants.Where(variant => variant.Serves(scene.Workload) && _present(variant))];

    private IEnumerable<Scene> ScenesOf(Workload workload) =>
        from connections in ConnectionsOf(workload)
        from inFlight in workload is Workload.Rpc or Workload.Rpc2 ? _settings.InFlight : [1]
        select new Scene(workload, connections, inFlight);

    private int[] ConnectionsOf(Workload workload) => workload switch
    {
        Workload.PingPong or Workload.PingPongSpin => [1],
        _ => _settings.Connections is { Length: > 0 } chosen ? chosen : _settings.Defaults.ConnectionsOf(workload),
    };

    /// <summary>
    /// Each round measures every variant under all conditions of the workload; every other round backwards, so that a drift of the machine hits
    /// all alike.
    /// </summary>
    private IEnumerable<PlanStep> StepsOf(IEnumerable<Scene> scenes)
    {
        (Scene Scene, Variant Variant)[] steps = [.. scenes.SelectMany(scene => VariantsOf(scene).Select(variant => (scene, variant)))];
        for (int round = 1; round <= _settings.Rounds; round++)
        {
            foreach ((Scene scene, Variant variant) in round % 2 == 1 ? steps : steps.Reverse())
            {
                yield return new PlanStep(scene, variant, round);
            }
        }
    }
}
