using System.Globalization;
using Kestrel.Rpc.Benchmarks.Load.Measure;

namespace Kestrel.Rpc.Benchmarks.Load.Fairness;

/// <summary>Collects the p99 of every window and sets each against the one alone of its round.</summary>
internal sealed class FairnessReport
{
    private readonly Dictionary<Disturbance, List<(double P50, double P99, double Rate)>> _windows = [];

    public void Add(Disturbance scene, double p50, double p99, double rate)
    {
        if (!_windows.TryGetValue(scene, out List<(double, double, double)>? windows))
        {
            _windows[scene] = windows = [];
        }

        windows.Add((p50, p99, rate));
    }

    public IEnumerable<string> Lines()
    {
        Spread alone = Spread.Of(_windows[Disturbance.None].Select(window => window.P99));
        double allowed = Math.Max(1.25, alone.Maximum / alone.Minimum);
        yield return $"{"beside",-14} {"1000 calls/s",-13} {"p50 us",-8} {"p99 us",-24} x alone (of the same round)";
        foreach ((Disturbance scene, List<(double P50, double P99, double Rate)> windows) in _windows.OrderBy(pair => pair.Key))
        {
            double[] ratios = [.. windows.Zip(_windows[Disturbance.None], (window, baseline) => window.P99 / baseline.P99)];
            string name = scene == Disturbance.None ? "nothing" : scene.ToString();
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"{name,-14} {Spread.Of(windows.Select(window => window.Rate)).Median / 1000,-13:F0} {Spread.Of(windows.Select(window => window.P50)).Median,-8:F0} {Text(windows.Select(window => window.P99), "F0"),-24} {(scene == Disturbance.None ? "" : Text(ratios, "F2"))}");
        }

        yield return string.Create(CultureInfo.InvariantCulture, $"spread of the p99 alone, largest by smallest: {alone.Maximum / alone.Minimum:F2}; so at most {allowed:F2} is within the promise");
    }

    private static string Text(IEnumerable<double> values, string format)
    {
        var spread = Spread.Of(values);
        CultureInfo culture = CultureInfo.InvariantCulture;
        return $"{spread.Median.ToString(format, culture)} ({spread.Minimum.ToString(format, culture)}..{spread.Maximum.ToString(format, culture)})";
    }
}
