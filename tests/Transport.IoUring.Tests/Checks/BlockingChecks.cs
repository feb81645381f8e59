using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>A thread for every connection, for as long as it lives.</summary>
internal static class BlockingChecks
{
    /// <summary>As many threads as connections, and none of them or of their descriptors afterwards. Runs alone in its process.</summary>
    public static async Task ThreadsComeBackAsync(TransportVariant transport)
    {
        const int Connections = 100;
        const int Rounds = 5;
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, Handlers.EchoAsync);
        await RoundAsync(server, 1); // loads all code
        await Eventually.TrueAsync(() => Threads() == 0);
        int descriptors = ProcessFacts.Descriptors();
        for (int round = 0; round < Rounds; round++)
        {
            await RoundAsync(server, Connections);
            await Eventually.TrueAsync(() => Threads() == 0);
        }

        await Eventually.TrueAsync(() => ProcessFacts.Descriptors() <= descriptors);
        await server.StopAsync();
    }

    /// <summary>The transport is disposed, and not unbound before, while clients connect. Runs alone in its process.</summary>
    public static async Task DisposeWhileConnectionsComeAsync(TransportVariant transport)
    {
        const int Rounds = 20;
        const int Dialers = 8;
        for (int round = 0; round < Rounds; round++)
        {
            await using TransportHost host = TransportHost.Create(transport);
            IConnectionListener listener = await host.BindAsync();
            int accepted = 0;
            Task serving = Task.Run(async () =>
            {
                var connections = new List<Task>();
                while (await listener.AcceptAsync() is { } connection)
                {
                    Interlocked.Increment(ref accepted);
                    connections.Add(Task.Run(async () =>
                    {
                        await Handlers.EchoUntilResetAsync(connection);
                        await connection.DisposeAsync();
                    }));
                }

                await Task.WhenAll(connections);
            });
            Task dialing = Parallel.ForAsync(0, Dialers, async (_, _) => await DialUntilRefusedAsync(listener.EndPoint));
            await Eventually.TrueAsync(() => Volatile.Read(ref accepted) > 2 * Dialers);

            await Task.Run(((IDisposable)host.Factory).Dispose).Limited();

            await dialing.Limited();
            await serving.Limited();
            await Eventually.TrueAsync(() => Threads() == 0); // the kernel takes them away after they were joined
            Assert.Equal(0, host.Pool.Pools);
            await host.VerifyPoolAsync();
            Assert.DoesNotContain(host.TransportLines, line => line.Level >= LogLevel.Warning);
        }
    }

    private static async Task DialUntilRefusedAsync(EndPoint endPoint)
    {
        while (true)
        {
            try
            {
                using TestClient client = await TestClient.ConnectAsync(endPoint);
                await client.EchoAsync(seed: 1, 100);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
            {
                return;
            }
            catch (Exception e) when (e is SocketException or Xunit.Sdk.XunitException)
            {
                // Reset or ended in the middle: the next connect tells whether it is over.
            }
        }
    }

    private static int Threads() =>
        ProcessFacts.Threads().Count(thread => ProcessFacts.ThreadName(thread).StartsWith("kestrel-conn-", StringComparison.Ordinal));

    private static async Task RoundAsync(ConnectionServer server, int connections)
    {
        var clients = new List<TestClient>();
        for (int i = 0; i < connections; i++)
        {
            clients.Add(await server.ConnectAsync());
            await clients[i].EchoAsync(seed: i, 5000);
        }

        Assert.Equal(connections, Threads());
        foreach (TestClient client in clients)
        {
            client.Fin();
            await client.ReceiveEndAsync();
            client.Dispose();
        }
    }
}
