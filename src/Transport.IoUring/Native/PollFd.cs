using System.Runtime.InteropServices;

namespace Kestrel.Rpc.Transport.Native;

/// <summary><c>struct pollfd</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PollFd
{
    public int Fd; // negative: not looked at
    public short Events;
    public short Revents;
}
