using System.ComponentModel;
using System.Runtime.InteropServices;
using Kestrel.Rpc.Benchmarks.Load.Native;

namespace Kestrel.Rpc.Benchmarks.Load.Processes;

/// <summary>
/// Pins the calling thread to one core until it is disposed of, on the same thread. A process started meanwhile inherits the
/// pinning, so that its runtime sees one processor from its first instruction on.
/// </summary>
internal readonly unsafe ref struct CpuAffinity
{
    /// <summary>64-bit words of a mask: 1,024 cores, the size glibc's own cpu_set_t has.</summary>
    private const int Words = 16;

    private readonly Mask _before;

    public CpuAffinity(int core)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(core);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(core, Words * 64);
        Mask before = default;
        Check(Libc.sched_getaffinity(0, Words * sizeof(ulong), before.Bits));
        _before = before;
        Mask wanted = default;
        wanted.Bits[core / 64] = 1UL << (core % 64);
        Check(Libc.sched_setaffinity(0, Words * sizeof(ulong), wanted.Bits));
    }

    public void Dispose()
    {
        Mask before = _before;
        Check(Libc.sched_setaffinity(0, Words * sizeof(ulong), before.Bits));
    }

    private static void Check(int result)
    {
        if (result < 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        }
    }

    private struct Mask
    {
        public fixed ulong Bits[Words];
    }
}
