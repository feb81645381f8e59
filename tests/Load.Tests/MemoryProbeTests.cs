using System.Runtime.InteropServices;
using Kestrel.Rpc.Benchmarks.Load.Measure;

namespace Kestrel.Rpc.Load.Tests;

public sealed class MemoryProbeTests
{
    [Fact]
    public void Parse_PagesInSwap_CountAsMemory()
    {
        MemoryUse use = MemoryProbe.Parse(
        [
            "558a799c7000-7ffec4969000 ---p 00000000 00:00 0                          [rollup]",
            "Rss:                1616 kB",
            "Pss:                 205 kB",
            "Anonymous:           116 kB",
            "AnonHugePages:         0 kB",
            "Swap:                  8 kB",
            "SwapPss:               3 kB",
        ]);

        Assert.Equal(new MemoryUse(1624 * 1024, 124 * 1024), use);
    }

    [Fact]
    public unsafe void Of_ProcessThatWritesPages_GrowsByThem()
    {
        const int Size = 256 * 1024 * 1024;
        MemoryUse before = MemoryProbe.Of(Environment.ProcessId);
        byte* memory = (byte*)NativeMemory.AllocZeroed(Size);
        try
        {
            new Span<byte>(memory, Size).Fill(1);
            MemoryUse after = MemoryProbe.Of(Environment.ProcessId);

            // What else the process gave back meanwhile is far less.
            Assert.InRange(after.Anonymous - before.Anonymous, Size / 2, Size * 2L);
            Assert.True(after.Resident >= after.Anonymous);
        }
        finally
        {
            NativeMemory.Free(memory);
        }
    }
}
