using System.Runtime.InteropServices;

namespace Kestrel.Rpc.Transport.Native;

/// <summary>A memory mapping that is removed exactly once.</summary>
internal sealed unsafe class MappedMemory : SafeHandle
{
    private readonly nuint _length;

    private MappedMemory(byte* address, nuint length)
        : base(0, ownsHandle: true)
    {
        SetHandle((nint)address);
        _length = length;
    }

    public override bool IsInvalid => handle == 0;

    /// <summary>Valid until the handle is disposed.</summary>
    public byte* Address => (byte*)handle;

    /// <summary>Maps a part of what <paramref name="descriptor"/> offers, shared with the kernel.</summary>
    /// <exception cref="IOException">The kernel refuses.</exception>
    public static MappedMemory OfDescriptor(int descriptor, nuint length, long offset) =>
        Map(length, Libc.MAP_SHARED | Libc.MAP_POPULATE, descriptor, offset);

    /// <summary>
    /// Maps zeroed memory, page-aligned. Pages cost memory only once they are touched: all of them now, by this thread and so
    /// near its processor, if <paramref name="touched"/>.
    /// </summary>
    /// <exception cref="IOException">The kernel refuses.</exception>
    public static MappedMemory Anonymous(nuint length, bool touched = false) =>
        Map(length, Libc.MAP_PRIVATE | Libc.MAP_ANONYMOUS | (touched ? Libc.MAP_POPULATE : 0), -1, 0);

    protected override bool ReleaseHandle() => Libc.MUnmap((void*)handle, _length) >= 0;

    private static MappedMemory Map(nuint length, int flags, int descriptor, long offset)
    {
        byte* address = Libc.MMap(length, Libc.PROT_READ | Libc.PROT_WRITE, flags, descriptor, offset, out int error);
        return error == 0
            ? new MappedMemory(address, length)
            : throw new IOException($"mmap of {length} bytes failed: {Marshal.GetPInvokeErrorMessage(-error)}.", -error);
    }
}
