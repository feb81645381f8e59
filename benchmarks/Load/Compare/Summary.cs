using Kestrel.Rpc.Benchmarks.Load.Measure;

namespace Kestrel.Rpc.Benchmarks.Load.Compare;

/// <summary>All rounds of one variant in one scene: one line of the report.</summary>
internal sealed class Summary
{
    private readonly IReadOnlyList<Sample> _samples;

    /// <param name="samples">Every sample of the scene.</param>
    /// <param name="variant">Whose line it is.</param>
    public Summary(IReadOnlyList<Sample> samples, Variant variant)
    {
        Variant = variant;
        _samples = [.. samples.Where(sample => sample.Step.Variant == variant)];
        RatioToSockets = Ratio(samples, variant.Baseline);
    }

    public Variant Variant { get; }

    /// <summary>Server CPU microseconds for one request.</summary>
    public Spread Cpu => Of(sample => sample.Load.ServerMicrosecondsPerRequest);

    /// <summary>
    /// The variant's CPU per request divided by that of Sockets with the same scheduling, round by round; <see langword="null"/> on the line of
    /// Sockets itself and where Sockets was not measured.
    /// </summary>
    public Spread? RatioToSockets { get; }

    /// <summary>Requests in a second.</summary>
    public Spread Rate => Of(sample => sample.Load.RequestsPerSecond);

    /// <summary>Microseconds.</summary>
    public Spread P50 => Of(sample => sample.Load.P50);

    /// <summary>Microseconds.</summary>
    public Spread P99 => Of(sample => sample.Load.P99);

    /// <summary>Bytes.</summary>
    public Spread Resident => Of(sample => sample.Load.ServerResident);

    /// <summary>Bytes for one request; <see langword="null"/> for a C program.</summary>
    public Spread? Allocated =>
        _samples.Any(sample => sample.AllocatedBytes is null) ? null : Of(sample => sample.AllocatedPerRequest!.Value);

    /// <summary>See <see cref="Sample.ServerBusy"/>.</summary>
    public Spread Busy => Of(sample => sample.ServerBusy);

    /// <summary>See <see cref="Sample.Disturbed"/>.</summary>
    public Spread Disturbed => Of(sample => sample.Disturbed);

    private Spread Of(Func<Sample, double> figure) => Spread.Of(_samples.Select(figure));

    private Spread? Ratio(IReadOnlyList<Sample> all, string baseline)
    {
        double[] ratios =
        [
            .. from mine in _samples
               join other in all.Where(sample => sample.Step.Variant.Name == baseline) on mine.Step.Round equals other.Step.Round
               select mine.Load.ServerMicrosecondsPerRequest / other.Load.ServerMicrosecondsPerRequest,
        ];
        return ratios.Length == 0 || Variant.Name == baseline ? null : Spread.Of(ratios);
    }
}
