using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Kestrel.Rpc.Transport.Native;

namespace Kestrel.Rpc.Transport;

/// <summary>Turns the kernel's socket addresses into end points.</summary>
internal static unsafe class SocketAddressReader
{
    // Of struct sockaddr_in; both in the order of the wire.
    private const int IPv4PortOffset = 2;
    private const int IPv4AddressOffset = 4;

    // End points that exist for their Create method.
    private static readonly IPEndPoint IPv4Factory = new(IPAddress.Any, 0);
    private static readonly IPEndPoint IPv6Factory = new(IPAddress.IPv6Any, 0);
    private static readonly UnixDomainSocketEndPoint UnixFactory = new("/");

    /// <summary>The address of the other end, or <see langword="null"/> if it has gone already (ENOTCONN).</summary>
    public static PeerAddress? ReadPeer(int descriptor)
    {
        byte* address = stackalloc byte[Libc.SockAddrStorageSize];
        uint length = Libc.SockAddrStorageSize;
        if (Libc.GetPeerName(descriptor, address, &length) < 0)
        {
            return null;
        }

        if (*(ushort*)address == Libc.AF_INET)
        {
            return PeerAddress.IPv4(*(uint*)(address + IPv4AddressOffset), BinaryPrimitives.ReverseEndianness(*(ushort*)(address + IPv4PortOffset)));
        }

        return ToEndPoint(new ReadOnlySpan<byte>(address, (int)length)) is { } endPoint ? new PeerAddress(endPoint) : null;
    }

    /// <summary>The address of our own end, or <see langword="null"/> if the kernel no longer knows it.</summary>
    public static EndPoint? ReadLocal(int descriptor)
    {
        byte* address = stackalloc byte[Libc.SockAddrStorageSize];
        uint length = Libc.SockAddrStorageSize;
        return Libc.GetSockName(descriptor, address, &length) >= 0 ? ToEndPoint(new ReadOnlySpan<byte>(address, (int)length)) : null;
    }

    private static EndPoint? ToEndPoint(ReadOnlySpan<byte> bytes)
    {
        AddressFamily family = BitConverter.ToUInt16(bytes) switch
        {
            Libc.AF_UNIX => AddressFamily.Unix,
            Libc.AF_INET => AddressFamily.InterNetwork,
            Libc.AF_INET6 => AddressFamily.InterNetworkV6,
            _ => AddressFamily.Unknown,
        };
        if (family == AddressFamily.Unknown)
        {
            return null;
        }

        // .NET keeps the kernel's own layout behind the family, whose number alone differs in the enumeration.
        var address = new SocketAddress(family, bytes.Length);
        bytes.CopyTo(address.Buffer.Span);
        return family switch
        {
            AddressFamily.InterNetwork => IPv4Factory.Create(address),
            AddressFamily.InterNetworkV6 => IPv6Factory.Create(address),
            _ => UnixFactory.Create(address), // a client that did not bind has no name, which .NET writes as an empty path
        };
    }
}
