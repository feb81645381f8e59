namespace Kestrel.Rpc.Benchmarks.Load.Measure;

/// <summary>A figure measured several times.</summary>
internal readonly record struct Spread(double Median, double Minimum, double Maximum)
{
    /// <summary>At least one value; of an even number the median is the middle of the two in the middle.</summary>
    public static Spread Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        double median = sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new Spread(median, sorted[0], sorted[^1]);
    }
}
