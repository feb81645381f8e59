using System.Runtime.InteropServices;

namespace Kestrel.Rpc.Transport.Native;

/// <summary><c>struct iovec</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct IoVec
{
    public byte* Base;
    public nuint Length;
}

/// <summary><c>struct msghdr</c> of 64-bit Linux.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct MsgHdr
{
    public void* Name;
    public uint NameLength;
    public IoVec* IoVec;
    public nuint IoVecLength;
    public void* Control;
    public nuint ControlLength;
    public int Flags;
}

/// <summary><c>struct linger</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct Linger
{
    public int OnOff;
    public int Seconds;
}
