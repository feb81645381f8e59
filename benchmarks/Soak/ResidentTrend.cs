namespace Kestrel.Rpc.Benchmarks.Soak;

/// <summary>The resident set over time, and whether it grows in the second half.</summary>
internal sealed class ResidentTrend
{
    // Collections make it swing; a leak of a few bytes a call shows up as much more than that within minutes.
    private const double MayGrow = 0.10;
    private const double MayGrowBytes = 16 << 20;

    private readonly List<(double Seconds, double Bytes)> _samples = [];

    public void Add(TimeSpan at, long bytes) => _samples.Add((at.TotalSeconds, bytes));

    /// <summary>Least squares over the second half: bytes a second, and what that makes of the half, with what it may be.</summary>
    public (double BytesPerSecond, double Growth, double Limit) SecondHalf()
    {
        (double Seconds, double Bytes)[] half = [.. _samples.Skip(_samples.Count / 2)];
        if (half.Length < 3)
        {
            return (0, 0, MayGrowBytes);
        }

        double meanTime = half.Average(sample => sample.Seconds);
        double mean = half.Average(sample => sample.Bytes);
        double slope = half.Sum(sample => (sample.Seconds - meanTime) * (sample.Bytes - mean))
            / half.Sum(sample => (sample.Seconds - meanTime) * (sample.Seconds - meanTime));
        return (slope, slope * (half[^1].Seconds - half[0].Seconds), Math.Max(mean * MayGrow, MayGrowBytes));
    }
}
