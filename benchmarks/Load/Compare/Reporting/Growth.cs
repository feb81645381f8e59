using Kestrel.Rpc.Benchmarks.Load.Cli;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Benchmarks.Load.Workloads;

namespace Kestrel.Rpc.Benchmarks.Load.Compare.Reporting;

/// <summary>How the server's CPU for a request grows with the number of connections: one workload, measured with several.</summary>
internal sealed class Growth
{
    private readonly Dictionary<(Variant Variant, int Connections), Dictionary<int, double>> _cpu;

    /// <param name="samples">Samples of one workload, with one number of calls in flight.</param>
    /// <param name="variants">The servers, in the order of the report.</param>
    public Growth(IReadOnlyList<Sample> samples, IReadOnlyList<Variant> variants)
    {
        Workload = Names.Of(samples[0].Step.Scene.Workload);
        Unit = Figures.UnitOf(samples[0].Step.Scene.Workload);
        InFlight = samples[0].Step.Scene.InFlight;
        Connections = [.. samples.Select(sample => sample.Step.Scene.Connections).Distinct().Order()];
        Variants = [.. variants.Where(variant => samples.Any(sample => sample.Step.Variant == variant))];
        _cpu = samples
            .GroupBy(sample => (sample.Step.Variant, sample.Step.Scene.Connections))
            .ToDictionary(group => group.Key, group => group.ToDictionary(sample => sample.Step.Round, sample => sample.Load.ServerMicrosecondsPerRequest));
    }

    public string Workload { get; }

    /// <summary>What one request is.</summary>
    public string Unit { get; }

    public int InFlight { get; }

    /// <summary>The numbers of connections, the smallest first.</summary>
    public IReadOnlyList<int> Connections { get; }

    public IReadOnlyList<Variant> Variants { get; }

    /// <summary>Microseconds of CPU for a request with so many connections.</summary>
    public Spread At(Variant variant, int connections) => Spread.Of(_cpu[(variant, connections)].Values);

    /// <summary>CPU with the most connections divided by CPU with the fewest, round by round.</summary>
    public Spread Of(Variant variant) => Spread.Of(Rounds(variant).Values);

    /// <summary>The growth divided by the peer's, round by round; <see langword="null"/> for the peer itself, and one that was not measured.</summary>
    public Spread? Ratio(Variant variant, Variant peer)
    {
        if (variant == peer || !Variants.Contains(peer))
        {
            return null;
        }

        Dictionary<int, double> others = Rounds(peer);
        return Spread.Of(Rounds(variant).Select(round => round.Value / others[round.Key]));
    }

    private Dictionary<int, double> Rounds(Variant variant)
    {
        Dictionary<int, double> fewest = _cpu[(variant, Connections[0])];
        return _cpu[(variant, Connections[^1])].ToDictionary(round => round.Key, round => round.Value / fewest[round.Key]);
    }
}
