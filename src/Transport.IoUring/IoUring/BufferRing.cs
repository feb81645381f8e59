using System.Numerics;
using Kestrel.Rpc.Transport.Native;
using static Kestrel.Rpc.Transport.Native.IoUringConstants;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// The receive buffers that one loop offers the kernel, which picks one only when bytes have arrived. What it picked is
/// copied out and offered again within the same iteration, so no application can starve the ring.
/// </summary>
internal sealed unsafe class BufferRing : IDisposable
{
    private readonly MappedMemory _buffers;
    private readonly int _size;
    private readonly ushort _mask;
    private MappedMemory _ring;
    private ushort _tail;

    /// <summary>
    /// Registers <paramref name="count"/> buffers (a power of two) of <paramref name="size"/> bytes: memory that is
    /// <paramref name="touched"/> now, by this thread, or page by page as it is used.
    /// </summary>
    /// <exception cref="PlatformNotSupportedException">The kernel has no buffer rings (before Linux 5.19).</exception>
    public BufferRing(Ring ring, int count, int size, bool touched = false)
    {
        if (!BitOperations.IsPow2(count) || count > 32768)
        {
            throw new ArgumentOutOfRangeException(nameof(count), count, "A power of two up to 32768.");
        }

        _size = size;
        _mask = (ushort)(count - 1);
        _ring = MappedMemory.Anonymous((nuint)(count * sizeof(IoUringBuf)), touched);
        _buffers = MappedMemory.Anonymous((nuint)count * (nuint)size, touched);
        int result = Register(ring, _ring, Group);
        if (result < 0)
        {
            Dispose();
            throw new PlatformNotSupportedException($"registering receive buffers failed: {SocketErrors.Message(-result)}");
        }

        OfferAll();
    }

    /// <summary>The number by which receives name this ring.</summary>
    public ushort Group { get; private set; }

    private int Count => _mask + 1;

    public ReadOnlySpan<byte> Bytes(ushort buffer, int length) => new(_buffers.Address + ((nint)buffer * _size), length);

    /// <summary>Offers a buffer again; the kernel sees it after <see cref="Publish"/>.</summary>
    public void Return(ushort buffer)
    {
        // Never assigned as a whole: the ring's tail lies in the unused bytes of entry 0.
        var entry = (IoUringBuf*)_ring.Address + (_tail & _mask);
        entry->Addr = (ulong)(_buffers.Address + ((nint)buffer * _size));
        entry->Len = (uint)_size;
        entry->Bid = buffer;
        _tail++;
    }

    public void Publish() => Volatile.Write(ref *(ushort*)(_ring.Address + IoUringBuf.TailOffset), _tail);

    /// <summary>
    /// Offers all buffers anew, in a ring of another group, whatever the kernel has taken out of this one. No receive may be
    /// with the kernel, and no completion of one left.
    /// </summary>
    /// <exception cref="IOException">The kernel refuses; then all is as before.</exception>
    public void Renew(Ring ring)
    {
        MappedMemory renewed = MappedMemory.Anonymous((nuint)(Count * sizeof(IoUringBuf)));
        var group = (ushort)(Group ^ 1);
        int result = Register(ring, renewed, group);
        if (result < 0)
        {
            renewed.Dispose();
            throw SocketErrors.ToException(-result, "registering receive buffers again");
        }

        var old = new IoUringBufReg { Bgid = Group };
        _ = Libc.IoUringRegister(ring.Descriptor, IORING_UNREGISTER_PBUF_RING, &old, 1);
        _ring.Dispose();
        _ring = renewed;
        Group = group;
        _tail = 0;
        OfferAll();
    }

    private int Register(Ring ring, MappedMemory memory, ushort group)
    {
        var registration = new IoUringBufReg { RingAddr = (ulong)memory.Address, RingEntries = (uint)Count, Bgid = group };
        return Libc.IoUringRegister(ring.Descriptor, IORING_REGISTER_PBUF_RING, &registration, 1);
    }

    private void OfferAll()
    {
        for (int i = 0; i < Count; i++)
        {
            Return((ushort)i);
        }

        Publish();
    }

    public void Dispose()
    {
        _ring.Dispose();
        _buffers.Dispose();
    }
}
