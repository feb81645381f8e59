using System.Net;
using System.Net.Sockets;
using Kestrel.Rpc.Transport.Native;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// Why a connection could not be made, in the type that <see cref="Socket"/> throws too, so that code written for Kestrel's
/// Sockets transport finds what it looks for.
/// </summary>
internal static class ConnectErrors
{
    /// <summary>The kernel refused with a positive error number.</summary>
    public static SocketException Refused(EndPoint endPoint, int error) =>
        new((int)ToSocketError(error), $"Could not connect to {Name(endPoint)}: {SocketErrors.Message(error)}.");

    /// <summary>Nobody answered in time.</summary>
    public static SocketException TimedOut(EndPoint endPoint, TimeSpan limit) =>
        new((int)SocketError.TimedOut, $"Could not connect to {Name(endPoint)}: no answer within {limit}.");

    /// <summary>None of a name's addresses could be reached; the last one's error stands for all of them.</summary>
    public static SocketException NoneReached(DnsEndPoint endPoint, IReadOnlyList<SocketException> errors) =>
        new((int)errors[^1].SocketErrorCode, $"Could not connect to {Name(endPoint)}: {string.Join(' ', errors.Select(error => error.Message))}");

    /// <summary>The name has no address of the family asked for.</summary>
    public static SocketException NoAddress(DnsEndPoint endPoint) =>
        new((int)SocketError.NoData, $"Could not connect to {Name(endPoint)}: the name has no address.");

    // A DnsEndPoint shows its address family too, which helps nobody.
    private static string Name(EndPoint endPoint) =>
        endPoint is DnsEndPoint dns ? $"{dns.Host}:{dns.Port}" : endPoint.ToString()!;

    // As the framework maps them, so far as connecting can fail with them.
    private static SocketError ToSocketError(int error) => error switch
    {
        Errno.ECONNREFUSED => SocketError.ConnectionRefused,
        Errno.ETIMEDOUT => SocketError.TimedOut,
        Errno.ENETUNREACH => SocketError.NetworkUnreachable,
        Errno.EHOSTUNREACH => SocketError.HostUnreachable,
        Errno.ENETDOWN => SocketError.NetworkDown,
        Errno.EHOSTDOWN => SocketError.HostDown,
        Errno.ECONNRESET => SocketError.ConnectionReset,
        Errno.ECONNABORTED => SocketError.ConnectionAborted,
        Errno.ECANCELED => SocketError.OperationAborted,
        Errno.EADDRNOTAVAIL or Errno.ENOENT => SocketError.AddressNotAvailable,
        Errno.EAFNOSUPPORT => SocketError.AddressFamilyNotSupported,
        Errno.EPROTOTYPE => SocketError.ProtocolType,
        Errno.EACCES or Errno.EPERM => SocketError.AccessDenied,
        Errno.EINVAL => SocketError.InvalidArgument,
        Errno.EMFILE or Errno.ENFILE => SocketError.TooManyOpenSockets,
        Errno.ENOBUFS or Errno.ENOMEM => SocketError.NoBufferSpaceAvailable,
        _ => SocketError.SocketError, // the message tells
    };
}
