using System.Net;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// Where a connection comes from: an IPv4 end point as the number it is, which becomes an object when somebody asks for it; any other
/// as an object.
/// </summary>
internal readonly struct PeerAddress
{
    private const int PortShift = 32;
    private const ulong IsPacked = 1ul << 63;

    private PeerAddress(ulong packed) => Packed = packed;

    public PeerAddress(EndPoint endPoint) => EndPoint = endPoint;

    public EndPoint? EndPoint { get; }

    /// <summary>0 where there is an object instead.</summary>
    public ulong Packed { get; }

    /// <param name="address">In the order of the wire, as the kernel keeps it.</param>
    /// <param name="port">As a number.</param>
    public static PeerAddress IPv4(uint address, ushort port) => new(IsPacked | ((ulong)port << PortShift) | address);

    public EndPoint ToEndPoint() => EndPoint ?? Unpack(Packed);

    public static IPEndPoint Unpack(ulong packed) => new((uint)packed, (ushort)(packed >> PortShift));
}
