using System.Globalization;

namespace Kestrel.Rpc.Benchmarks.Load.Overload;

/// <summary>Sets the scenes with the limit and without it side by side, and the promise against them.</summary>
/// <param name="unloaded">Little load, without the limit.</param>
/// <param name="peak">The load with the most good calls, without the limit.</param>
/// <param name="withLimit">Twice the peak, with the limit.</param>
/// <param name="without">Twice the peak, without.</param>
internal sealed class OverloadReport(OverloadScene unloaded, OverloadScene peak, OverloadScene withLimit, OverloadScene without)
{
    public IEnumerable<string> Lines()
    {
        yield return "scene                 offered/s  good/s  refused/s  p50 ms   p99 ms  RSS MiB";
        foreach (OverloadScene scene in (IEnumerable<OverloadScene>)[unloaded, peak, without, withLimit])
        {
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"{scene.Name,-21} {scene.Offered,9:F0} {scene.Good,7:F0} {scene.Refused,10:F0} {scene.P50,7:F2} {scene.P99,8:F2} {scene.ResidentMebibytes,8:F0}");
        }

        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"of the peak's good calls: {withLimit.Good / peak.Good:P0} with the limit, {without.Good / peak.Good:P0} without; p99 of accepted calls, of unloaded: {withLimit.P99 / unloaded.P99:F1} and {without.P99 / unloaded.P99:F1}");
    }
}
