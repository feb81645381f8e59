namespace Kestrel.Rpc.Benchmarks.Soak;

/// <summary>What the process holds.</summary>
/// <param name="Descriptors">Open ones, but for assemblies.</param>
/// <param name="Timers">Those that are armed.</param>
/// <param name="Blocks">Blocks of the transport's memory that are out.</param>
/// <param name="HeapBytes">After a full collection, of everything.</param>
/// <param name="Kinds">The descriptors by what they are.</param>
internal sealed record Resources(int Descriptors, long Timers, int Blocks, long HeapBytes, string Kinds)
{
    private const int LooksAtMost = 100;
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(100);

    /// <summary>What is held now, once all that has ended had the time to go: until it is no more than a limit, or for ten seconds.</summary>
    public static async Task<Resources> SettleAsync(CountingMemoryPool memory, Resources? limit)
    {
        Resources now = Look(memory);
        for (int i = 0; i < LooksAtMost && (limit is null ? i < LooksAtMost / 5 : now.Exceeds(limit, heapMayGrow: long.MaxValue).Any()); i++)
        {
            await Task.Delay(BetweenLooks);
            now = Look(memory);
        }

        return now;
    }

    /// <summary>What is more than at another time.</summary>
    public IEnumerable<string> Exceeds(Resources start, long heapMayGrow)
    {
        if (Descriptors > start.Descriptors)
        {
            yield return $"{Descriptors} descriptors ({Kinds}), {start.Descriptors} at the start ({start.Kinds})";
        }

        if (Timers > start.Timers)
        {
            yield return $"{Timers} timers, {start.Timers} at the start";
        }

        if (Blocks > 0)
        {
            yield return $"{Blocks} pool blocks";
        }

        if (HeapBytes - start.HeapBytes > heapMayGrow)
        {
            yield return $"{HeapBytes >> 10} KiB of heap, {start.HeapBytes >> 10} KiB at the start";
        }
    }

    // Assemblies are loaded when something of theirs is used for the first time, which may be late, and stay.
    private static string[] FindDescriptors() =>
    [
        .. Directory.EnumerateFileSystemEntries("/proc/self/fd")
            .Select(path => new FileInfo(path).LinkTarget)
            .Where(target => target is not null && Path.GetExtension(target) is not (".dll" or ".pdb"))
            .Select(target => target!.Split(":[")[0]),
    ];

    private static Resources Look(CountingMemoryPool memory)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();

        string[] descriptors = FindDescriptors();
        string kinds = string.Join(", ", descriptors.GroupBy(kind => kind).OrderBy(kind => kind.Key, StringComparer.Ordinal).Select(kind => $"{kind.Count()} {kind.Key}"));
        return new Resources(descriptors.Length, Timer.ActiveCount, memory.Rented, GC.GetTotalMemory(forceFullCollection: true), kinds);
    }
}
