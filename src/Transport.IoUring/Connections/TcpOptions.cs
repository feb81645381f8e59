using Kestrel.Rpc.Transport.Native;

namespace Kestrel.Rpc.Transport;

/// <summary>Options of TCP sockets.</summary>
internal static unsafe class TcpOptions
{
    /// <summary>Sends small segments at once. Refused only if the connection is reset already.</summary>
    public static void SetNoDelay(int descriptor) => _ = Set(descriptor, Libc.IPPROTO_TCP, Libc.TCP_NODELAY, 1);

    /// <summary>Lets an IPv6 socket reach IPv4 addresses, whatever the system's default is.</summary>
    public static void SetDualMode(int descriptor) => _ = Set(descriptor, Libc.IPPROTO_IPV6, Libc.IPV6_V6ONLY, 0);

    /// <summary>Lets several listening sockets of one user have the same address.</summary>
    /// <exception cref="PlatformNotSupportedException">The kernel refuses.</exception>
    public static void SetReusePort(int descriptor)
    {
        int result = Set(descriptor, Libc.SOL_SOCKET, Libc.SO_REUSEPORT, 1);
        if (result < 0)
        {
            throw new PlatformNotSupportedException($"The kernel refuses SO_REUSEPORT, which AcceptStrategy.ReusePort needs: {SocketErrors.Message(-result)}.");
        }
    }

    private static int Set(int descriptor, int level, int name, int value) => Libc.SetSockOpt(descriptor, level, name, &value, sizeof(int));
}
