using System.Globalization;

namespace Kestrel.Rpc.Benchmarks.Load.Measure;

/// <summary>Reads how much memory another process uses.</summary>
internal static class MemoryProbe
{
    /// <summary>
    /// Of <c>/proc/PID/smaps_rollup</c>, which counts page by page; <c>/proc/PID/status</c> adds up counters that lag behind on every
    /// processor.
    /// </summary>
    public static MemoryUse Of(int pid) => Parse(File.ReadLines($"/proc/{pid}/smaps_rollup"));

    /// <param name="lines">A head, then lines such as <c>Rss:     1616 kB</c>.</param>
    public static MemoryUse Parse(IEnumerable<string> lines)
    {
        Dictionary<string, long> bytes = lines
            .Select(line => line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
            .Where(words => words is [_, _, "kB"])
            .ToDictionary(words => words[0], words => long.Parse(words[1], CultureInfo.InvariantCulture) * 1024);
        long swap = bytes["Swap:"];
        return new MemoryUse(bytes["Rss:"] + swap, bytes["Anonymous:"] + swap);
    }
}
