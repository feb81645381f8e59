using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>Unbinding ends accepting and nothing else; the address is free at once.</summary>
internal static class UnbindChecks
{
    public static async Task LiveConnectionsGoOnAsync(TransportVariant transport)
    {
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, Handlers.EchoAsync);
        using TestClient client = await server.ConnectAsync();
        await client.EchoAsync(seed: 1, 1000);
        await server.UnbindAsync();
        await client.EchoAsync(seed: 2, 1_000);
        await Assert.ThrowsAsync<SocketException>(server.ConnectAsync);
        Task send = client.SendPayloadAsync(seed: 3, 3_000_000);
        await client.ReceivePayloadAsync(seed: 3, 3_000_000);
        await send;
        client.Fin();
        await client.ReceiveEndAsync();
        await server.StopAsync();
    }

    /// <summary>The server closes first, so that its port is left with connections in TIME_WAIT.</summary>
    public static async Task RebindRightAfterStopAsync(TransportVariant transport)
    {
        EndPoint? endPoint = null;
        for (int round = 0; round < 5; round++)
        {
            await using ConnectionServer server = await ConnectionServer.StartAsync(transport, _ => Task.CompletedTask, endPoint: endPoint);
            endPoint = server.EndPoint;
            for (int i = 0; i < 10; i++)
            {
                using TestClient client = await server.ConnectAsync();
                await client.ReceiveEndAsync();
            }

            await server.StopAsync();
        }
    }

    /// <summary>The address is free as soon as unbind returned, while connections of the old listener are still served.</summary>
    public static async Task RebindBesideLiveConnectionsAsync(TransportVariant transport)
    {
        await using ConnectionServer old = await ConnectionServer.StartAsync(transport, Handlers.EchoAsync);
        using TestClient oldClient = await old.ConnectAsync();
        await oldClient.EchoAsync(seed: 1, 100);
        await old.UnbindAsync();
        await using ConnectionServer next = await ConnectionServer.StartAsync(transport, Handlers.EchoAsync, endPoint: old.EndPoint);
        using TestClient nextClient = await next.ConnectAsync();
        await nextClient.EchoAsync(seed: 2, 100);
        await oldClient.EchoAsync(seed: 3, 100);
        oldClient.Fin();
        nextClient.Fin();
        await old.StopAsync();
        await next.StopAsync();
    }

    /// <summary>An address that is in use is reported, by the same instance of the transport and by another one.</summary>
    public static async Task AddressInUseIsReportedAsync(TransportVariant transport)
    {
        await using var host = TransportHost.Create(transport);
        await using var other = TransportHost.Create(transport);
        await using IConnectionListener listener = await host.BindAsync();
        await Assert.ThrowsAsync<AddressInUseException>(() => host.BindAsync(listener.EndPoint));
        await Assert.ThrowsAsync<AddressInUseException>(() => other.BindAsync(listener.EndPoint));
        using TestClient client = await TestClient.ConnectAsync(listener.EndPoint);
        ConnectionContext? connection = await listener.AcceptAsync().Limited();
        await connection!.DisposeAsync().Limited();
    }

    /// <summary>The port of a plain listening socket of somebody else is in use, too.</summary>
    public static async Task AddressOfForeignSocketIsReportedAsync(TransportVariant transport)
    {
        using var foreign = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        foreign.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        foreign.Listen();
        await using var host = TransportHost.Create(transport);
        await Assert.ThrowsAsync<AddressInUseException>(() => host.BindAsync(foreign.LocalEndPoint));
    }

    /// <summary>An address that is not of this machine is an error of bind, not an end point that never answers.</summary>
    public static async Task ForeignAddressFailsAsync(TransportVariant transport)
    {
        await using var host = TransportHost.Create(transport);
        var error = await Assert.ThrowsAnyAsync<Exception>(() => host.BindAsync(new IPEndPoint(IPAddress.Parse("192.0.2.1"), 0)));
        Assert.IsNotType<TimeoutException>(error);
    }
}
