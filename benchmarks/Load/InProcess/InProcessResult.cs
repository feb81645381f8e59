using System.Globalization;

namespace Kestrel.Rpc.Benchmarks.Load.InProcess;

/// <summary>The figures of one measurement; times in microseconds, latencies from request to reply.</summary>
internal sealed record InProcessResult(double CpuMicroseconds, double RequestsPerSecond, double P50, double P99, double BytesPerRequest)
{
    public static InProcessResult Parse(string line)
    {
        double[] figures = [.. line.Split(' ').Select(figure => double.Parse(figure, CultureInfo.InvariantCulture))];
        return new InProcessResult(figures[0], figures[1], figures[2], figures[3], figures[4]);
    }

    public string ToLine() => string.Create(
        CultureInfo.InvariantCulture, $"{CpuMicroseconds:F4} {RequestsPerSecond:F1} {P50:F3} {P99:F3} {BytesPerRequest:F3}");
}
