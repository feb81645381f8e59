using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Kestrel.Rpc.Benchmarks.Load.Native;

/// <summary>
/// An array of <c>struct epoll_event</c> { uint32 events; uint64 data }, which is packed on x86-64 (12 bytes) and aligned
/// everywhere else (16 bytes).
/// </summary>
internal sealed unsafe class EpollEvents : IDisposable
{
    private static readonly int Size = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;
    private static readonly int DataOffset = Size - sizeof(ulong);

    public EpollEvents(int capacity)
    {
        Capacity = capacity;
        Pointer = (byte*)NativeMemory.AllocZeroed((nuint)(capacity * Size));
    }

    public int Capacity { get; }

    public byte* Pointer { get; private set; }

    public uint Events(int index) => Unsafe.ReadUnaligned<uint>(Pointer + (index * Size));

    public ulong Data(int index) => Unsafe.ReadUnaligned<ulong>(Pointer + (index * Size) + DataOffset);

    public void Set(int index, uint events, ulong data)
    {
        Unsafe.WriteUnaligned(Pointer + (index * Size), events);
        Unsafe.WriteUnaligned(Pointer + (index * Size) + DataOffset, data);
    }

    public void Dispose()
    {
        NativeMemory.Free(Pointer);
        Pointer = null;
    }
}
