using Kestrel.Rpc.Transport.Native;

namespace Kestrel.Rpc.Transport;

/// <summary>Options of TCP sockets.</summary>
internal static unsafe class TcpOptions
{
    /// <summary>Sends small segments at once. Refused only if the connection is reset already.</summary>
    public static void SetNoDelay(int descriptor) => Set(descriptor, Libc.IPPROTO_TCP, Libc.TCP_NODELAY, 1);

    /// <summary>Lets an IPv6 socket reach IPv4 addresses, whatever the system's default is.</summary>
    public static void SetDualMode(int descriptor) => Set(descriptor, Libc.IPPROTO_IPV6, Libc.IPV6_V6ONLY, 0);

    private static void Set(int descriptor, int level, int name, int value) =>
        _ = Libc.SetSockOpt(descriptor, level, name, &value, sizeof(int));
}
