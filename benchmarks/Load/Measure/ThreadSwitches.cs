using System.Globalization;

namespace Kestrel.Rpc.Benchmarks.Load.Measure;

/// <summary>Counts the context switches of another process: how often its threads slept, gave way or were interrupted.</summary>
internal static class ThreadSwitches
{
    /// <summary>The switches of each thread alive now, by thread id.</summary>
    public static Dictionary<int, long> Of(int pid)
    {
        var switches = new Dictionary<int, long>();
        foreach (string thread in Directory.GetDirectories($"/proc/{pid}/task"))
        {
            try
            {
                // voluntary_ctxt_switches and nonvoluntary_ctxt_switches
                switches[int.Parse(Path.GetFileName(thread), CultureInfo.InvariantCulture)] = File.ReadLines(Path.Combine(thread, "status"))
                    .Where(line => line.Contains("ctxt_switches:", StringComparison.Ordinal))
                    .Sum(line => long.Parse(line[(line.IndexOf(':') + 1)..], CultureInfo.InvariantCulture));
            }
            catch (IOException)
            {
                // The thread ended meanwhile, and its count is gone with it.
            }
        }

        return switches;
    }

    /// <summary>
    /// The switches between two counts, of threads that were alive at the second: those of a pool thread that retired meanwhile are
    /// lost. 0 without counts.
    /// </summary>
    public static long Between(IReadOnlyDictionary<int, long>? before, IReadOnlyDictionary<int, long>? after) =>
        before is null || after is null ? 0 : after.Sum(thread => thread.Value - before.GetValueOrDefault(thread.Key));
}
