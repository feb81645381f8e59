using System.Globalization;
using System.Runtime;

namespace Kestrel.Rpc.Benchmarks.Soak;

/// <summary>The resident set and what it is made of, in bytes, so that a growth can be laid at somebody's door.</summary>
/// <param name="Resident">All of it.</param>
/// <param name="Heap">What the collector has committed: objects, and the room between and behind them that it keeps.</param>
/// <param name="Native">Memory of no file that is not the collector's: of the runtime, of compiled code, of threads, of the C library.</param>
/// <param name="Mapped">Memory of files and what is shared: code, assemblies, rings.</param>
/// <param name="Live">Of the heap, what the last collection has left alive.</param>
/// <param name="Gaps">Of the heap, the room between objects.</param>
/// <param name="Compiled">Methods that were compiled so far; no bytes, but each takes native memory.</param>
/// <param name="Threads">Of the process.</param>
internal readonly record struct ResidentParts(long Resident, long Heap, long Native, long Mapped, long Live, long Gaps, long Compiled, long Threads)
{
    /// <summary>The parts of now. The collector says what was when it last ran.</summary>
    public static ResidentParts Look()
    {
        long anonymous = 0;
        long mapped = 0;
        long threads = 0;
        foreach (string line in File.ReadLines("/proc/self/status"))
        {
            // For example "RssAnon:	   75992 kB".
            string[] words = line.Split((char[])[':', ' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            switch (words[0])
            {
                case "RssAnon":
                    anonymous = KiB(words[1]);
                    break;
                case "RssFile" or "RssShmem":
                    mapped += KiB(words[1]);
                    break;
                case "Threads":
                    threads = long.Parse(words[1], CultureInfo.InvariantCulture);
                    break;
            }
        }

        GCMemoryInfo heap = GC.GetGCMemoryInfo(GCKind.Any);
        return new ResidentParts(
            anonymous + mapped, heap.TotalCommittedBytes, anonymous - heap.TotalCommittedBytes, mapped, heap.HeapSizeBytes - heap.FragmentedBytes,
            heap.FragmentedBytes, JitInfo.GetCompiledMethodCount(), threads);
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Resident >> 10} KiB resident: heap {Heap >> 10} (live {Live >> 10}, gaps {Gaps >> 10}), native {Native >> 10}, mapped {Mapped >> 10}; {Compiled} methods compiled, {Threads} threads");

    private static long KiB(string number) => long.Parse(number, CultureInfo.InvariantCulture) * 1024;
}
