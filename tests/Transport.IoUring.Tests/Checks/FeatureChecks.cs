using System.Collections.Concurrent;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>The feature collection of a connection.</summary>
internal static class FeatureChecks
{
    /// <summary>What every connection offers, and that Kestrel and middleware may add to it and replace it.</summary>
    public static Task FeaturesArePresentAndSettableAsync(TransportVariant transport) => WithConnectionAsync(transport, (connection, _) =>
    {
        Assert.Same(connection.Transport, connection.Features.Get<IConnectionTransportFeature>()?.Transport);
        Assert.Equal(connection.ConnectionId, connection.Features.Get<IConnectionIdFeature>()?.ConnectionId);
        Assert.Same(connection.Items, connection.Features.Get<IConnectionItemsFeature>()?.Items);
        Assert.Equal(connection.ConnectionClosed, connection.Features.Get<IConnectionLifetimeFeature>()?.ConnectionClosed);
        Assert.Null(connection.Features.Get<IConnectionHeartbeatFeature>());

        var heartbeat = new Heartbeat();
        connection.Features.Set<IConnectionHeartbeatFeature>(heartbeat);
        Assert.Same(heartbeat, connection.Features.Get<IConnectionHeartbeatFeature>());
        Assert.Contains(connection.Features, feature => feature.Key == typeof(IConnectionHeartbeatFeature));
        connection.Items["key"] = "value";
        Assert.Equal("value", connection.Features.Get<IConnectionItemsFeature>()!.Items["key"]);
        connection.ConnectionId = "mine";
        Assert.Equal("mine", connection.Features.Get<IConnectionIdFeature>()!.ConnectionId);
        return Task.CompletedTask;
    });

    /// <summary>The pool that middleware shares with the transport.</summary>
    public static Task MemoryPoolFeatureRentsAsync(TransportVariant transport) => WithConnectionAsync(transport, (connection, host) =>
    {
        var pool = connection.Features.Get<IMemoryPoolFeature>()?.MemoryPool;
        Assert.NotNull(pool);
        int before = host.Pool.Outstanding;
        using (var block = pool.Rent())
        {
            Assert.True(host.Pool.Outstanding > before, "The pool of the feature is not the one registered.");
            Assert.True(block.Memory.Length >= 1024);
        }

        return Task.CompletedTask;
    });

    /// <summary>Ids are how log lines are told apart.</summary>
    public static async Task ConnectionIdsAreUniqueAsync(TransportVariant transport)
    {
        const int Connections = 200;
        var ids = new ConcurrentDictionary<string, bool>();
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, connection =>
        {
            Assert.NotEmpty(connection.ConnectionId);
            Assert.True(ids.TryAdd(connection.ConnectionId, true), "An id came twice.");
            return Task.CompletedTask;
        });
        for (int i = 0; i < Connections; i++)
        {
            using TestClient client = await server.ConnectAsync();
            await client.ReceiveEndAsync();
        }

        await server.StopAsync();
        Assert.Equal(Connections, ids.Count);
    }

    /// <summary>The socket of the feature tells the truth and sets options.</summary>
    public static Task SocketFeatureIsTheConnectionAsync(TransportVariant transport) => WithConnectionAsync(transport, (connection, _) =>
    {
        Socket? socket = connection.Features.Get<IConnectionSocketFeature>()?.Socket;
        Assert.NotNull(socket);
        Assert.Same(socket, connection.Features.Get<IConnectionSocketFeature>()!.Socket);
        Assert.Equal(connection.RemoteEndPoint, socket.RemoteEndPoint);
        Assert.Equal(connection.LocalEndPoint, socket.LocalEndPoint);
        Assert.Equal(SocketType.Stream, socket.SocketType);
        Assert.True(socket.Connected);
        Assert.True(socket.NoDelay, "NoDelay is on by default.");
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        Assert.NotEqual(0, (int)socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive)!);
        return Task.CompletedTask;
    });

    /// <summary>NoDelay can be turned off.</summary>
    public static Task NoDelayOffIsHonouredAsync(TransportVariant transport) => WithConnectionAsync(
        transport,
        (connection, _) =>
        {
            Assert.False(connection.Features.Get<IConnectionSocketFeature>()!.Socket.NoDelay);
            return Task.CompletedTask;
        },
        new TransportSettings { NoDelay = false });

    /// <summary>
    /// The socket of the feature does not own the descriptor: disposing it leaves the connection alive. Sockets hands out
    /// the very socket it works with, which this would close.
    /// </summary>
    public static async Task SocketFeatureDoesNotOwnTheDescriptorAsync(TransportVariant transport)
    {
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, async connection =>
        {
            connection.Features.Get<IConnectionSocketFeature>()!.Socket.Dispose();
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await Handlers.EchoAsync(connection);
        });
        using TestClient client = await server.ConnectAsync();
        await client.EchoAsync(seed: 1, 100_000);
        client.Fin();
        await client.ReceiveEndAsync();
        await server.StopAsync();
    }

    private static async Task WithConnectionAsync(
        TransportVariant transport,
        Func<ConnectionContext, TransportHost, Task> check,
        TransportSettings? settings = null)
    {
        await using var host = TransportHost.Create(transport, settings);
        await using IConnectionListener listener = await host.BindAsync();
        using TestClient client = await TestClient.ConnectAsync(listener.EndPoint);
        ConnectionContext? connection = await listener.AcceptAsync().Limited();
        Assert.NotNull(connection);
        await check(connection, host);
        await connection.DisposeAsync().Limited();
        await client.ReceiveEndAsync();
        await host.VerifyPoolAsync();
    }

    private sealed class Heartbeat : IConnectionHeartbeatFeature
    {
        public void OnHeartbeat(Action<object> action, object state)
        {
            // Only its identity matters.
        }
    }
}
