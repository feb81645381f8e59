using System.Runtime.InteropServices;

namespace Kestrel.Rpc.Transport.Native;

/// <summary><c>struct io_uring_sqe</c>: one request. The names are those of the members the transport uses of each union.</summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
internal struct IoUringSqe
{
    [FieldOffset(0)] public byte Opcode;
    [FieldOffset(1)] public byte Flags;
    [FieldOffset(2)] public ushort IoPrio;
    [FieldOffset(4)] public int Fd;
    [FieldOffset(8)] public ulong Off;
    [FieldOffset(16)] public ulong Addr;
    [FieldOffset(24)] public uint Len;
    [FieldOffset(28)] public uint OpFlags; // msg_flags, accept_flags, cancel_flags, poll32_events
    [FieldOffset(32)] public ulong UserData;
    [FieldOffset(40)] public ushort BufGroup;
}

/// <summary><c>struct io_uring_cqe</c>: one completion.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct IoUringCqe
{
    [FieldOffset(0)] public ulong UserData;
    [FieldOffset(8)] public int Result;
    [FieldOffset(12)] public uint Flags;
}

/// <summary><c>struct io_sqring_offsets</c>: where the submission ring's fields lie in its mapping.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct IoSqRingOffsets
{
    public uint Head;
    public uint Tail;
    public uint RingMask;
    public uint RingEntries;
    public uint Flags;
    public uint Dropped;
    public uint Array;
    public uint Reserved1;
    public ulong UserAddr;
}

/// <summary><c>struct io_cqring_offsets</c>: where the completion ring's fields lie in its mapping.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct IoCqRingOffsets
{
    public uint Head;
    public uint Tail;
    public uint RingMask;
    public uint RingEntries;
    public uint Overflow;
    public uint Cqes;
    public uint Flags;
    public uint Reserved1;
    public ulong UserAddr;
}

/// <summary><c>struct io_uring_params</c>: asked of and answered by <c>io_uring_setup</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct IoUringParams
{
    public uint SqEntries;
    public uint CqEntries;
    public uint Flags;
    public uint SqThreadCpu;
    public uint SqThreadIdle;
    public uint Features;
    public uint WqFd;
    public fixed uint Reserved[3];
    public IoSqRingOffsets SqOff;
    public IoCqRingOffsets CqOff;
}

/// <summary><c>struct io_uring_buf</c>: one buffer offered to the kernel.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct IoUringBuf
{
    /// <summary>The ring's tail lies over the reserved field of its first entry (<c>struct io_uring_buf_ring</c>).</summary>
    public const int TailOffset = 14;

    [FieldOffset(0)] public ulong Addr;
    [FieldOffset(8)] public uint Len;
    [FieldOffset(12)] public ushort Bid;
}

/// <summary><c>struct io_uring_buf_reg</c>: the registration of a buffer ring.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct IoUringBufReg
{
    public ulong RingAddr;
    public uint RingEntries;
    public ushort Bgid;
    public ushort Flags;
    public fixed ulong Reserved[3];
}

/// <summary><c>struct io_uring_napi</c> of Linux 6.9: busy polling of the network card.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct IoUringNapi
{
    [FieldOffset(0)] public uint BusyPollTo; // microseconds
    [FieldOffset(4)] public byte PreferBusyPoll;
}

/// <summary><c>struct io_uring_probe_op</c>: whether the kernel knows an operation.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct IoUringProbeOp
{
    public byte Op;
    public byte Reserved;
    public ushort Flags;
    public uint Reserved2;
}

/// <summary>The fixed part of <c>struct io_uring_probe</c>, followed by its <see cref="IoUringProbeOp"/> entries.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct IoUringProbeHeader
{
    public byte LastOp;
    public byte OpsLength;
    public ushort Reserved;
    public fixed uint Reserved2[3];
}
