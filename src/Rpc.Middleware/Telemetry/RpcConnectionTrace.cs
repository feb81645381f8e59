using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Middleware;

/// <summary>What the activities of a connection's calls have in common. Immutable; made with the first of them.</summary>
internal sealed class RpcConnectionTrace
{
    public RpcConnectionTrace(ConnectionContext connection, string protocol, int version, ActivityContext? around)
    {
        Links = around is { } context ? [new ActivityLink(context)] : null;
        ServerTags = [.. AddressTags("server", connection.LocalEndPoint)];
        Tags =
        [
            new(RpcServerTelemetry.ProtocolNameTag, protocol),
            .. version == 0 ? Array.Empty<KeyValuePair<string, object?>>() : [new(RpcServerTelemetry.ProtocolVersionTag, version == 1 ? "1" : "2")],
            .. TransportTags(connection.RemoteEndPoint ?? connection.LocalEndPoint),
            .. AddressTags("client", connection.RemoteEndPoint),
        ];
    }

    public ActivityLink[]? Links { get; }

    /// <summary>Samplers see these.</summary>
    public KeyValuePair<string, object?>[] ServerTags { get; }

    /// <summary>The others.</summary>
    public KeyValuePair<string, object?>[] Tags { get; }

    private static IEnumerable<KeyValuePair<string, object?>> TransportTags(EndPoint? endPoint) => endPoint switch
    {
        IPEndPoint => [new("network.transport", "tcp"), new("network.type", endPoint.AddressFamily == AddressFamily.InterNetwork ? "ipv4" : "ipv6")],
        UnixDomainSocketEndPoint => [new("network.transport", "unix")],
        _ => [],
    };

    private static IEnumerable<KeyValuePair<string, object?>> AddressTags(string side, EndPoint? endPoint) => endPoint switch
    {
        IPEndPoint ip => [new($"{side}.address", ip.Address.ToString()), new($"{side}.port", ip.Port)],
        UnixDomainSocketEndPoint unix when unix.ToString() is { Length: > 0 } path => [new($"{side}.address", path)],
        _ => [],
    };
}
