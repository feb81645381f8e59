using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>The hard limit on connections: a clear refusal, nobody served is harmed, and room comes back.</summary>
internal static class ConnectionLimitChecks
{
    private const int Limit = 100;
    private const int ReachedEvent = 120;
    private const int LeftEvent = 121;

    private static readonly TransportSettings Limited = new() { MaxConnections = Limit };

    /// <summary>Above the limit peers are reset at once; when connections end, as many others are served.</summary>
    public static async Task RoomComesBackAsync(TransportVariant transport)
    {
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, Handlers.EchoAsync, Limited);
        List<TestClient> served = await FillAsync(server);
        await AssertRefusedAsync(server.EndPoint);

        for (int i = 0; i < 10; i++)
        {
            served[i].Fin();
            await served[i].ReceiveEndAsync();
            served[i].Dispose();
        }

        await Eventually.TrueAsync(() => server.Live == Limit - 10);
        for (int i = 0; i < 10; i++)
        {
            served[i] = await server.ConnectAsync();
            await served[i].EchoAsync(seed: i, 1000);
        }

        await AssertRefusedAsync(server.EndPoint);
        await EndAsync(served);
        await server.StopAsync();
    }

    /// <summary>The limit holds over all end points of the transport together.</summary>
    public static async Task TwoEndPointsShareTheLimitAsync(TransportVariant transport)
    {
        await using var host = TransportHost.Create(transport, Limited with { MaxConnections = 2 });
        await using var first = await host.BindAsync();
        await using var second = await host.BindAsync();
        using TestClient one = await TestClient.ConnectAsync(first.EndPoint);
        using TestClient two = await TestClient.ConnectAsync(second.EndPoint);
        var connection = await first.AcceptAsync().Limited();
        var other = await second.AcceptAsync().Limited();
        await AssertRefusedAsync(first.EndPoint);
        await AssertRefusedAsync(second.EndPoint);
        await connection!.DisposeAsync().Limited();
        using TestClient three = await TestClient.ConnectAsync(second.EndPoint);
        await using var next = await second.AcceptAsync().Limited();
        Assert.Equal(three.Socket.LocalEndPoint, next!.RemoteEndPoint);
        await other!.DisposeAsync().Limited();
    }

    /// <summary>
    /// Five thousand connects against a limit of a hundred: those served go on, and memory, descriptors and log lines stay
    /// bounded. Runs alone in its process.
    /// </summary>
    public static async Task FloodHarmsNobodyAsync(TransportVariant transport)
    {
        const int Connects = 5000;
        const int AtATime = 20;
        const int MaxDescriptors = AtATime * 4; // both ends of those under way, and a margin
        const long MaxGrowth = 48 << 20; // the client's own garbage; 5,000 served connections would hold 20 MB of blocks alone
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, Handlers.EchoAsync, Limited);
        List<TestClient> served = await FillAsync(server);
        await FloodAsync(server.EndPoint, 200, AtATime); // everything is loaded and compiled
        long memory = Environment.WorkingSet;
        int descriptors = ProcessFacts.Descriptors();
        int most = 0;

        Task flood = FloodAsync(server.EndPoint, Connects, AtATime);
        for (int round = 0; !flood.IsCompleted; round++)
        {
            most = Math.Max(most, ProcessFacts.Descriptors());
            await served[round % Limit].EchoAsync(seed: round, 2000);
        }

        await flood;
        Assert.True(most - descriptors < MaxDescriptors, $"{most - descriptors} descriptors above the served connections.");
        long growth = Environment.WorkingSet - memory;
        Assert.True(growth < MaxGrowth, $"The flood grew the process by {growth >> 20} MiB.");
        Assert.Single(server.Host.TransportLines, line => line.Level >= LogLevel.Warning);
        Assert.True(server.Host.HasLogged(ReachedEvent));

        await EndAsync(served);
        await Eventually.TrueAsync(async () =>
        {
            using TestClient client = await server.ConnectAsync();
            await client.EchoAsync(seed: 1, 100);
            return server.Host.HasLogged(LeftEvent);
        });
        LogLine line = Assert.Single(server.Host.TransportLines, line => line.Id == LeftEvent);
        Assert.Contains($"{Connects + 200} connection", line.Message, StringComparison.Ordinal);
        await server.StopAsync();
    }

    private static async Task<List<TestClient>> FillAsync(ConnectionServer server)
    {
        var served = new List<TestClient>();
        for (int i = 0; i < Limit; i++)
        {
            served.Add(await server.ConnectAsync());
            await served[i].EchoAsync(seed: i, 100);
        }

        return served;
    }

    private static async Task EndAsync(List<TestClient> clients)
    {
        foreach (TestClient client in clients)
        {
            await client.EchoAsync(seed: 7, 3000);
            client.Fin();
            await client.ReceiveEndAsync();
            client.Dispose();
        }
    }

    private static Task FloodAsync(EndPoint endPoint, int connects, int atATime) => Parallel.ForAsync(
        0, connects, new ParallelOptions { MaxDegreeOfParallelism = atATime }, async (_, _) => await AssertRefusedAsync(endPoint));

    /// <summary>Refused is: an error at once, whether the connect or the first receive shows it.</summary>
    private static async Task AssertRefusedAsync(EndPoint endPoint)
    {
        var error = await Assert.ThrowsAsync<SocketException>(async () =>
        {
            using TestClient client = await TestClient.ConnectAsync(endPoint);
            await client.ReceiveAsync(new byte[1]);
        });
        Assert.Equal(SocketError.ConnectionReset, error.SocketErrorCode);
    }
}
