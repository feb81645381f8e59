using Kestrel.Rpc.Benchmarks.Load.Measure;

namespace Kestrel.Rpc.Load.Tests;

public sealed class LatencyHistogramTests
{
    [Fact]
    public void Quantile_OfManyDurations_IsWithinOneBucketOfTheExactValue()
    {
        var random = new Random(1);
        long[] durations = [.. Enumerable.Range(0, 20_000).Select(_ => (long)Math.Exp(random.NextDouble() * Math.Log(60e9)))];
        var histogram = new LatencyHistogram();
        foreach (long duration in durations)
        {
            histogram.Record(duration);
        }

        Array.Sort(durations);
        foreach (double quantile in (double[])[0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1])
        {
            double exact = durations[(int)Math.Ceiling(durations.Length * quantile) - 1];
            Assert.InRange(histogram.Quantile(quantile), exact * (1 - (1 / 128.0)), exact * (1 + (1 / 128.0)));
        }

        Assert.Equal(durations[^1], histogram.Maximum);
    }

    [Fact]
    public void Quantile_OfShortDurations_IsExact()
    {
        var histogram = new LatencyHistogram();
        for (int duration = 0; duration < 256; duration++)
        {
            histogram.Record(duration);
        }

        Assert.Equal(127, histogram.Quantile(0.5));
        Assert.Equal(0, histogram.Quantile(0));
        Assert.Equal(255, histogram.Quantile(1));
    }

    [Fact]
    public void Record_OutOfRange_CountsAsTheNearestBound()
    {
        var histogram = new LatencyHistogram();
        histogram.Record(-5);
        histogram.Record(long.MaxValue);

        Assert.Equal(2, histogram.Count);
        Assert.Equal(0, histogram.Quantile(0.5));
        Assert.Equal((1L << 36) - 1, histogram.Maximum);
    }
}
