using System.Globalization;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>What the kernel tells of this process. Only meaningful in a child process that does one thing.</summary>
internal static class ProcessFacts
{
    /// <summary>The ids of all threads.</summary>
    public static HashSet<int> Threads() =>
        [.. Directory.EnumerateDirectories("/proc/self/task").Select(path => int.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture))];

    /// <summary>The name of a thread; empty when it has ended.</summary>
    public static string ThreadName(int thread) => Read($"/proc/self/task/{thread}/comm").Trim();

    /// <summary>How often threads went to sleep and were woken, summed up; threads that have ended count nothing.</summary>
    public static long Switches(IEnumerable<int> threads) => threads.Sum(thread =>
    {
        const string Field = "voluntary_ctxt_switches:";
        string status = Read($"/proc/self/task/{thread}/status");
        int at = status.IndexOf(Field, StringComparison.Ordinal);
        return at < 0 ? 0 : long.Parse(status.AsSpan(at + Field.Length, status.IndexOf('\n', at) - at - Field.Length), CultureInfo.InvariantCulture);
    });

    /// <summary>How many sockets, event counters and pipes are open. Not files: the runtime keeps those of the code it has loaded.</summary>
    public static int Descriptors() => Directory.EnumerateFileSystemEntries("/proc/self/fd").Count(link => Target(link).Contains(':', StringComparison.Ordinal));

    /// <summary>How many sockets and objects without a name are open: rings, epoll sets, event counters.</summary>
    public static int Sockets() => Directory.EnumerateFileSystemEntries("/proc/self/fd").Select(Target)
        .Count(target => target.StartsWith("socket:", StringComparison.Ordinal) || target.StartsWith("anon_inode:", StringComparison.Ordinal));

    private static string Target(string descriptor)
    {
        try
        {
            return File.ResolveLinkTarget(descriptor, returnFinalTarget: false)?.Name ?? string.Empty;
        }
        catch (IOException)
        {
            return string.Empty; // closed since it was listed
        }
    }

    /// <summary>Memory of the process that is in use now: managed and native.</summary>
    public static long ResidentBytes() => StatusBytes("VmRSS:");

    /// <summary>The most that <see cref="ResidentBytes"/> has been since the process started.</summary>
    public static long PeakResidentBytes() => StatusBytes("VmHWM:");

    /// <summary>The bytes of all mappings that may be touched: reserved address space does not count.</summary>
    public static long MappedBytes() => File.ReadLines("/proc/self/maps").Sum(line =>
    {
        string[] fields = line.Split(' ', 3);
        string[] range = fields[0].Split('-');
        return fields[1].StartsWith("---", StringComparison.Ordinal)
            ? 0
            : (long)(ulong.Parse(range[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture)
                - ulong.Parse(range[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture));
    });

    private static long StatusBytes(string field)
    {
        string line = File.ReadLines("/proc/self/status").Single(line => line.StartsWith(field, StringComparison.Ordinal));
        return 1024 * long.Parse(line.AsSpan(field.Length, line.Length - field.Length - "kB".Length), CultureInfo.InvariantCulture);
    }

    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            // The thread has ended.
            return string.Empty;
        }
    }
}
