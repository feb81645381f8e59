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
