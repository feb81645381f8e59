using System.Numerics;

namespace Kestrel.Rpc.Benchmarks.Load.Measure;

/// <summary>
/// Counts durations in nanoseconds, from 0 to 68 s, in buckets that are 1/128 of their value wide at most: exact below 256 ns, then 128
/// buckets for each power of two. Recording costs a shift and an increment, and allocates nothing.
/// </summary>
internal sealed class LatencyHistogram
{
    private const int PrecisionBits = 7;
    private const int BucketsPerPower = 1 << PrecisionBits;

    /// <summary>Everything longer is counted as this: 2^36 ns = 68.7 s.</summary>
    private const long Longest = (1L << 36) - 1;

    private readonly long[] _counts = new long[IndexOf(Longest) + 1];

    /// <summary>How many durations were recorded.</summary>
    public long Count { get; private set; }

    /// <summary>The longest duration recorded, exactly; nanoseconds.</summary>
    public long Maximum { get; private set; }

    public void Record(long nanoseconds)
    {
        nanoseconds = Math.Clamp(nanoseconds, 0, Longest);
        _counts[IndexOf(nanoseconds)]++;
        Count++;
        Maximum = Math.Max(Maximum, nanoseconds);
    }

    /// <summary>
    /// The duration that a share of <paramref name="quantile"/> (0 to 1) does not exceed, as the middle of its bucket; nanoseconds.
    /// 0 when nothing was recorded.
    /// </summary>
    public double Quantile(double quantile)
    {
        double wanted = Count * quantile;
        long seen = 0;
        for (int index = 0; index < _counts.Length; index++)
        {
            seen += _counts[index];
            if (seen >= wanted && seen > 0)
            {
                return Math.Min(MiddleOf(index), Maximum);
            }
        }

        return Maximum;
    }

    private static int IndexOf(long value)
    {
        int shift = ShiftOf(value);
        return (shift << PrecisionBits) + (int)(value >> shift);
    }

    /// <summary>How many low bits a bucket of this value's size swallows.</summary>
    private static int ShiftOf(long value) => Math.Max(0, BitOperations.Log2((ulong)value) - PrecisionBits);

    private static double MiddleOf(int index)
    {
        int shift = Math.Max(0, (index >> PrecisionBits) - 1);
        long lowest = (long)(index - (shift << PrecisionBits)) << shift;
        return lowest + (((1L << shift) - 1) / 2.0);
    }
}
