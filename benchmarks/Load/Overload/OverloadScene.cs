namespace Kestrel.Rpc.Benchmarks.Load.Overload;

/// <summary>One measured load.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Offered">Calls a second that fell due.</param>
/// <param name="Good">Calls a second that were answered in time.</param>
/// <param name="Refused">Calls a second that were refused.</param>
/// <param name="P50">Of accepted calls, milliseconds.</param>
/// <param name="P99">Likewise.</param>
/// <param name="ResidentMebibytes">Of the server, at the end.</param>
internal sealed record OverloadScene(string Name, double Offered, double Good, double Refused, double P50, double P99, double ResidentMebibytes)
{
    public static OverloadScene Of(string name, OpenTally tally, TimeSpan time, long residentBytes) => new(
        name,
        tally.Offered / time.TotalSeconds,
        tally.Good / time.TotalSeconds,
        tally.Refused / time.TotalSeconds,
        tally.Accepted.Quantile(0.5) / 1e6,
        tally.Accepted.Quantile(0.99) / 1e6,
        residentBytes / (1024.0 * 1024));
}
