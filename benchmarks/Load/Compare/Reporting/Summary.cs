using Kestrel.Rpc.Benchmarks.Load.Measure;

namespace Kestrel.Rpc.Benchmarks.Load.Compare.Reporting;

/// <summary>All rounds of one variant in one scene: one line of the report.</summary>
internal sealed class Summary
{
    private readonly IReadOnlyList<Sample> _all;
    private readonly IReadOnlyList<Sample> _samples;

    /// <param name="samples">Every sample of the scene.</param>
    /// <param name="variant">Whose line it is.</param>
    public Summary(IReadOnlyList<Sample> samples, Variant variant)
    {
        Variant = variant;
        _all = samples;
        _samples = [.. samples.Where(sample => sample.Step.Variant == variant)];
    }

    public Variant Variant { get; }

    /// <summary>See <see cref="Sample.Disturbed"/>.</summary>
    public Spread Disturbed => Spread.Of(_samples.Select(sample => sample.Disturbed));

    /// <summary>The figure over all rounds; <see langword="null"/> if this server cannot tell.</summary>
    public Spread? Of(Figure figure)
    {
        double[] values = [.. _samples.Select(figure.Of).OfType<double>()];
        return values.Length == 0 ? null : Spread.Of(values);
    }

    /// <summary>
    /// The figure divided by the peer's, round by round, so that a drift of the machine does not count; <see langword="null"/> for the peer
    /// itself, where one of the two has no figure, and where the peer's is 0.
    /// </summary>
    public Spread? Ratio(Figure figure, Variant peer) => Against(peer, figure, (mine, other) => mine / other);

    /// <summary>The peer's figure subtracted from this one, round by round; <see langword="null"/> where <see cref="Ratio"/> is.</summary>
    public Spread? Difference(Figure figure, Variant peer) => Against(peer, figure, (mine, other) => mine - other);

    private Spread? Against(Variant peer, Figure figure, Func<double?, double?, double?> relate)
    {
        double[] values =
        [
            .. from mine in _samples
               join other in _all.Where(sample => sample.Step.Variant == peer) on mine.Step.Round equals other.Step.Round
               let value = relate(figure.Of(mine), figure.Of(other))
               where value is { } number && double.IsFinite(number)
               select value.Value,
        ];
        return values.Length == 0 || Variant == peer ? null : Spread.Of(values);
    }
}
