using System.Numerics;
using Kestrel.Rpc.Transport.Native;

namespace Kestrel.Rpc.Transport;

/// <summary>Which processors the process may use, and which one a thread runs on.</summary>
internal static unsafe class Processors
{
    // A kernel for more processors than the mask has bits refuses to tell; the largest in use have 8192.
    private const int MaxProcessors = 16384;
    private const int BitsPerWord = 64;

    /// <summary>The processors that the process may use, ascending: what its container or <c>taskset</c> left it.</summary>
    /// <exception cref="IOException">The kernel does not tell.</exception>
    public static int[] Allowed() => Read(Environment.ProcessId);

    /// <summary>The processors that the calling thread may use, ascending.</summary>
    /// <exception cref="IOException">The kernel does not tell.</exception>
    public static int[] OfCurrentThread() => Read(0);

    /// <summary>Has the calling thread run on one processor only.</summary>
    /// <exception cref="IOException">The processor is not one that the process may use.</exception>
    public static void PinCurrentThread(int processor)
    {
        Span<ulong> mask = stackalloc ulong[MaxProcessors / BitsPerWord];
        mask.Clear();
        mask[processor / BitsPerWord] = 1ul << (processor % BitsPerWord);
        fixed (ulong* words = mask)
        {
            int result = Libc.SchedSetAffinity(0, (nuint)(mask.Length * sizeof(ulong)), words);
            if (result < 0)
            {
                throw SocketErrors.ToException(-result, $"sched_setaffinity to processor {processor}");
            }
        }
    }

    private static int[] Read(int thread)
    {
        Span<ulong> mask = stackalloc ulong[MaxProcessors / BitsPerWord];
        mask.Clear();
        fixed (ulong* words = mask)
        {
            int result = Libc.SchedGetAffinity(thread, (nuint)(mask.Length * sizeof(ulong)), words);
            if (result < 0)
            {
                throw SocketErrors.ToException(-result, "sched_getaffinity");
            }
        }

        var processors = new List<int>();
        for (int word = 0; word < mask.Length; word++)
        {
            for (ulong left = mask[word]; left != 0; left &= left - 1)
            {
                processors.Add((word * BitsPerWord) + BitOperations.TrailingZeroCount(left));
            }
        }

        return [.. processors];
    }
}
