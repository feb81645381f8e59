using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Transport.Tests.Connecting;

/// <summary>The client's side of the transport under test: by default on the very loops that serve.</summary>
internal static class Dialling
{
    /// <summary>The connection factory of the host, which shares its loops.</summary>
    public static IConnectionFactory Dialler(this TransportHost host) => host.Application.Services.GetServices<IConnectionFactory>().Last();

    public static Task<ConnectionContext> DialAsync(this ConnectionServer server) => server.Host.Dialler().ConnectAsync(server.EndPoint).Limited();

    /// <summary>Writes a stretch of a payload and reads it back at the same time.</summary>
    public static async Task EchoAsync(this ConnectionContext connection, int seed, long length)
    {
        Task writing = connection.Transport.Output.WritePayloadAsync(seed, length);
        await connection.Transport.Input.ReadPayloadAsync(seed, length);
        await writing.Limited();
    }

    /// <summary>Ends the sending side, takes the peer's end and closes.</summary>
    public static async Task CloseAsync(this ConnectionContext connection)
    {
        await connection.Transport.Output.CompleteAsync().Limited();
        await connection.Transport.Input.DrainAsync();
        await connection.DisposeAsync().Limited();
    }

    /// <summary>An IPv4 end point of this machine where nobody listens.</summary>
    public static IPEndPoint DeadEndPoint()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return (IPEndPoint)probe.LocalEndPoint!;
    }
}
