using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Kestrel.Rpc.Transport;

/// <summary>What an address means to those who listen on it and those who dial it.</summary>
internal static class InProcessAddresses
{
    /// <summary>The range that IANA leaves to whoever needs a port for a while.</summary>
    public const int FirstServerPort = 49152;

    /// <summary>The last port there is.</summary>
    public const int LastServerPort = 65535;

    // Clients have their ports below, so that no client has the port of a server.
    private const int FirstClientPort = 32768;

    /// <summary>Whether both cannot listen at once, or whether one reaches the other: the same, or a wildcard with the same port.</summary>
    public static bool Overlap(EndPoint one, EndPoint other) =>
        one.Equals(other)
        || (one is IPEndPoint first && other is IPEndPoint second && first.Port == second.Port
            && (Covers(first.Address, second.Address) || Covers(second.Address, first.Address)));

    /// <summary>What a dialled address may mean, in the order in which it is tried.</summary>
    public static EndPoint[] Candidates(EndPoint dialled) => dialled switch
    {
        DnsEndPoint dns when IPAddress.TryParse(dns.Host, out IPAddress? address) => [new IPEndPoint(address, dns.Port)],
        DnsEndPoint dns => [new IPEndPoint(IPAddress.Loopback, dns.Port), new IPEndPoint(IPAddress.IPv6Loopback, dns.Port)],
        IPEndPoint { Address.IsIPv4MappedToIPv6: true } mapped => [new IPEndPoint(mapped.Address.MapToIPv4(), mapped.Port)],
        _ => [dialled],
    };

    /// <summary>The address of the client with this number, of the kind that the server has.</summary>
    public static EndPoint OfClient(EndPoint server, int number)
    {
        string unique = ((uint)number).ToString(CultureInfo.InvariantCulture);
        return server switch
        {
            IPEndPoint ip => new IPEndPoint(
                ip.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Loopback : IPAddress.Loopback,
                FirstClientPort + (int)((uint)number % (FirstServerPort - FirstClientPort))),
            UnixDomainSocketEndPoint => new UnixDomainSocketEndPoint($"\0in-process-client-{unique}"),
            _ => new InProcessEndPoint($"client-{unique}"),
        };
    }

    // [::] serves both families, 0.0.0.0 one.
    private static bool Covers(IPAddress wildcard, IPAddress address) =>
        wildcard.Equals(IPAddress.IPv6Any)
        || (wildcard.Equals(IPAddress.Any) && address.AddressFamily == AddressFamily.InterNetwork);
}
