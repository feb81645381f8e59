using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Kestrel.Rpc.Invocation.Native;

/// <summary>
/// <c>struct epoll_event</c>: packed to 12 bytes on x64, 16 bytes elsewhere. Arrays are therefore walked with
/// <see cref="At"/> and sized with <see cref="Size"/>, never by indexing this type, which is the larger of the two layouts.
/// </summary>
[StructLayout(LayoutKind.Sequential, Size = 16)]
internal unsafe struct EpollEvent
{
    public uint Events;
    private fixed byte _rest[12];

    /// <summary>The size of one event in the kernel's array.</summary>
    public static int Size { get; } = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;

    /// <summary>The caller's 64 bits.</summary>
    public ulong Data
    {
        get => Unsafe.ReadUnaligned<ulong>(ref _rest[Size - 12]);
        set => Unsafe.WriteUnaligned(ref _rest[Size - 12], value);
    }

    public static EpollEvent* At(byte* events, int index) => (EpollEvent*)(events + (index * Size));
}
