using System.Net;
using Kestrel.Rpc.Transport.Native;

namespace Kestrel.Rpc.Transport;

/// <summary>Connects one socket of its own, which its user then takes or closes. Loop thread only.</summary>
internal abstract unsafe class LoopConnector
{
    protected LoopConnector(SocketAddress address) => Address = address.Buffer[..address.Size];

    /// <summary>The socket, after <see cref="Open"/>; -1 when there is none.</summary>
    public int Descriptor { get; private set; } = -1;

    /// <summary>Whether connecting fails with EAGAIN while the listener's queue is full: only Unix sockets do.</summary>
    public bool IsUnix => Family == Libc.AF_UNIX;

    /// <summary>Where to, in the kernel's layout: the address family in its first two bytes.</summary>
    protected Memory<byte> Address { get; }

    /// <summary>Whether the engine wants the socket not to block while it connects.</summary>
    protected abstract bool OpensNonBlocking { get; }

    private int Family => BitConverter.ToUInt16(Address.Span);

    /// <summary>Opens the socket. 0, or a negated error number: no descriptors, no memory, no such address family.</summary>
    public int Open()
    {
        int flags = Libc.SOCK_STREAM | Libc.SOCK_CLOEXEC | (OpensNonBlocking ? Libc.SOCK_NONBLOCK : 0);
        int result = Libc.Socket(Family, flags, 0);
        Descriptor = Math.Max(result, -1);
        return Math.Min(result, 0);
    }

    /// <summary>Connects. Results in 0, or a negated error number: ECANCELED after <see cref="Cancel"/>. May be tried again.</summary>
    public abstract LoopOperation ConnectAsync();

    /// <summary>Makes the pending connect complete as soon as the kernel has let go of it.</summary>
    public abstract void Cancel();

    /// <summary>Gives the connected socket away.</summary>
    public int Take()
    {
        int descriptor = Descriptor;
        Descriptor = -1;
        return descriptor;
    }

    /// <summary>Closes the socket unless it was taken. No connect may be pending.</summary>
    public void Close()
    {
        if (Descriptor >= 0)
        {
            _ = Libc.Close(Take());
        }
    }
}
