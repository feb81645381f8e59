namespace Kestrel.Rpc.Benchmarks.Soak;

/// <summary>The resident set over time, and whether it grows in the second half, and which part of it.</summary>
internal sealed class ResidentTrend
{
    // Collections make it swing; a leak of a few bytes a call shows up as much more than that within minutes.
    private const double MayGrow = 0.10;
    private const double MayGrowBytes = 16 << 20;

    private readonly List<(double Seconds, ResidentParts Parts)> _samples = [];

    public void Add(TimeSpan at, ResidentParts parts) => _samples.Add((at.TotalSeconds, parts));

    /// <summary>Least squares over the second half: bytes a second, and what that makes of the half, with what it may be.</summary>
    public (double BytesPerSecond, double Growth, double Limit) SecondHalf()
    {
        (double slope, double seconds, double mean) = Fit(parts => parts.Resident);
        return (slope, slope * seconds, Math.Max(mean * MayGrow, MayGrowBytes));
    }

    /// <summary>By how much a part grows in the second half, a second.</summary>
    public double SlopeOf(Func<ResidentParts, long> part) => Fit(part).Slope;

    private (double Slope, double Seconds, double Mean) Fit(Func<ResidentParts, long> part)
    {
        (double Seconds, double Value)[] half = [.. _samples.Skip(_samples.Count / 2).Select(sample => (sample.Seconds, (double)part(sample.Parts)))];
        if (half.Length < 3)
        {
            return (0, 0, 0);
        }

        double meanTime = half.Average(sample => sample.Seconds);
        double mean = half.Average(sample => sample.Value);
        double slope = half.Sum(sample => (sample.Seconds - meanTime) * (sample.Value - mean))
            / half.Sum(sample => (sample.Seconds - meanTime) * (sample.Seconds - meanTime));
        return (slope, half[^1].Seconds - half[0].Seconds, mean);
    }
}
