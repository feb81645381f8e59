using Kestrel.Rpc.Benchmarks.Load.Cli;

namespace Kestrel.Rpc.Benchmarks.Load.Compare;

/// <summary>Every measurement of one run, in its order.</summary>
internal sealed class Plan
{
    private readonly CompareSettings _settings;
    private readonly IReadOnlyList<LimitProgram> _limits;

    public Plan(CompareSettings settings, IReadOnlyList<LimitProgram> limits)
    {
        _settings = settings;
        _limits = limits;
        Scenes = [.. settings.Workloads.SelectMany(ScenesOf)];
        Steps = [.. Scenes.SelectMany(StepsOf)];
    }

    public IReadOnlyList<Scene> Scenes { get; }

    public IReadOnlyList<PlanStep> Steps { get; }

    /// <summary>Sockets with every scheduling is there whatever was asked for: it is what the others are set against.</summary>
    public IReadOnlyList<Variant> VariantsOf(Scene scene)
    {
        IEnumerable<Variant> transports =
            from transport in _settings.Transports.Prepend(TransportKind.Sockets).Distinct()
            from scheduling in _settings.Schedulings
            select Variant.Of(transport, scheduling);
        IEnumerable<Variant> limits = scene.Workload == Workload.Rpc ? [] : _limits.Select(Variant.Of);
        return [.. transports, .. limits];
    }

    private IEnumerable<Scene> ScenesOf(Workload workload) =>
        from connections in _settings.Connections
        from inFlight in workload == Workload.Rpc ? _settings.InFlight : [1]
        select new Scene(workload, connections, inFlight);

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
