using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>End points: the asked address and no other, with real addresses on both sides.</summary>
internal static class EndPointChecks
{
    public static Task TcpV4Async(TransportVariant transport) =>
        BothSidesAgreeAsync(transport, new IPEndPoint(IPAddress.Loopback, 0));

    public static Task TcpV6Async(TransportVariant transport) =>
        BothSidesAgreeAsync(transport, new IPEndPoint(IPAddress.IPv6Loopback, 0));

    /// <summary>Only the bound address answers: not every address of the machine at that port.</summary>
    public static async Task OnlyTheBoundAddressAnswersAsync(TransportVariant transport)
    {
        // Holds the port at the other address without listening there, so that nobody else's listener answers at it.
        using Socket held = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        held.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        int port = ((IPEndPoint)held.LocalEndPoint!).Port;
        await using ConnectionServer server = await ConnectionServer.StartAsync(
            transport,
            Handlers.EchoAsync,
            endPoint: new IPEndPoint(IPAddress.Parse("127.0.0.2"), port));
        var bound = Assert.IsType<IPEndPoint>(server.EndPoint);
        Assert.Equal(IPAddress.Parse("127.0.0.2"), bound.Address);
        using TestClient client = await server.ConnectAsync();
        await client.EchoAsync(seed: 1, 10);
        var refused = await Assert.ThrowsAsync<SocketException>(() => TestClient.ConnectAsync(new IPEndPoint(IPAddress.Loopback, bound.Port)));
        Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);
        client.Fin();
        await server.StopAsync();
    }

    /// <summary>[::] serves clients of both families, on one port.</summary>
    public static async Task DualModeAsync(TransportVariant transport)
    {
        await using var host = TransportHost.Create(transport);
        await using IConnectionListener listener = await host.BindAsync(new IPEndPoint(IPAddress.IPv6Any, 0));
        int port = ((IPEndPoint)listener.EndPoint).Port;
        foreach (IPAddress address in new[] { IPAddress.Loopback, IPAddress.IPv6Loopback })
        {
            using TestClient client = await TestClient.ConnectAsync(new IPEndPoint(address, port));
            ConnectionContext? connection = await listener.AcceptAsync().Limited();
            var remote = (IPEndPoint)connection!.RemoteEndPoint!;
            Assert.Equal(address.MapToIPv6(), remote.Address.MapToIPv6());
            Assert.Equal(((IPEndPoint)client.LocalEndPoint!).Port, remote.Port);
            await connection.DisposeAsync().Limited();
        }
    }

    /// <summary>0.0.0.0 and port 0: a real port is reported, and every address of the machine answers.</summary>
    public static async Task AnyAddressAsync(TransportVariant transport)
    {
        await using ConnectionServer server = await ConnectionServer.StartAsync(
            transport,
            Handlers.EchoAsync,
            endPoint: new IPEndPoint(IPAddress.Any, 0));
        int port = ((IPEndPoint)server.EndPoint).Port;
        Assert.NotEqual(0, port);
        foreach (string address in new[] { "127.0.0.1", "127.0.0.2" })
        {
            using TestClient client = await TestClient.ConnectAsync(new IPEndPoint(IPAddress.Parse(address), port));
            await client.EchoAsync(seed: 1, 10);
            client.Fin();
            await client.ReceiveEndAsync();
        }

        await server.StopAsync();
    }

    /// <summary>A Unix socket: echo, half-close, and a second bind right after the first ended.</summary>
    public static async Task UnixPathAsync(TransportVariant transport)
    {
        using var folder = new TemporaryFolder();
        var endPoint = new UnixDomainSocketEndPoint(Path.Combine(folder.Path, "s"));
        for (int round = 0; round < 2; round++)
        {
            await UnixAsync(transport, endPoint);
        }
    }

    /// <summary>A path that a listener holds is reported as in use.</summary>
    public static async Task UnixPathInUseAsync(TransportVariant transport)
    {
        using var folder = new TemporaryFolder();
        var endPoint = new UnixDomainSocketEndPoint(Path.Combine(folder.Path, "s"));
        await using var host = TransportHost.Create(transport);
        await using IConnectionListener listener = await host.BindAsync(endPoint);
        await Assert.ThrowsAsync<AddressInUseException>(() => host.BindAsync(endPoint));
        using TestClient client = await TestClient.ConnectAsync(endPoint);
    }

    public static async Task UnixAbstractAsync(TransportVariant transport)
    {
        var endPoint = new UnixDomainSocketEndPoint($"\0kestrel-rpc-{Guid.NewGuid():n}");
        for (int round = 0; round < 2; round++)
        {
            await UnixAsync(transport, endPoint);
        }
    }

    private static async Task UnixAsync(TransportVariant transport, UnixDomainSocketEndPoint endPoint)
    {
        await using ConnectionServer server = await ConnectionServer.StartAsync(
            transport,
            async connection =>
            {
                Assert.Equal(endPoint.ToString(), connection.LocalEndPoint?.ToString());
                Assert.IsType<UnixDomainSocketEndPoint>(connection.RemoteEndPoint);
                await Handlers.EchoAsync(connection);
            },
            endPoint: endPoint);
        Assert.Equal(endPoint.ToString(), server.EndPoint.ToString());
        using TestClient client = await server.ConnectAsync();
        await client.EchoAsync(seed: 1, 100_000);
        client.Fin();
        await client.ReceiveEndAsync();
        await server.StopAsync();
    }

    private static async Task BothSidesAgreeAsync(TransportVariant transport, IPEndPoint endPoint)
    {
        await using var host = TransportHost.Create(transport);
        await using IConnectionListener listener = await host.BindAsync(endPoint);
        var bound = Assert.IsType<IPEndPoint>(listener.EndPoint);
        Assert.Equal(endPoint.Address, bound.Address);
        Assert.NotEqual(0, bound.Port);
        using TestClient client = await TestClient.ConnectAsync(bound);
        ConnectionContext? connection = await listener.AcceptAsync().Limited();
        Assert.Equal(bound, connection!.LocalEndPoint);
        Assert.Equal(client.LocalEndPoint, connection.RemoteEndPoint);
        await connection.DisposeAsync().Limited();
        await client.ReceiveEndAsync();
    }
}
