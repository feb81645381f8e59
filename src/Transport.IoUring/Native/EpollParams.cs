using System.Runtime.InteropServices;

namespace Kestrel.Rpc.Transport.Native;

/// <summary><c>struct epoll_params</c> of Linux 6.9: busy polling of the network card by an epoll set.</summary>
[StructLayout(LayoutKind.Explicit, Size = 8)]
internal struct EpollParams
{
    [FieldOffset(0)] public uint BusyPollUsecs;
    [FieldOffset(4)] public ushort BusyPollBudget; // packets; more than 64 needs CAP_NET_ADMIN
    [FieldOffset(6)] public byte PreferBusyPoll;
}
