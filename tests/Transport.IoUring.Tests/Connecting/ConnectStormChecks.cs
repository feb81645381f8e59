using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport.Tests.Connecting;

/// <summary>Connects by the thousand, on the loops that serve them too.</summary>
internal static class ConnectStormChecks
{
    private const int Talkers = 4;
    private const int Stormers = 8;

    public static async Task ThousandAsync(TransportVariant transport)
    {
        const int Count = 1000;
        await using ConnectionServer server = await ConnectionServer.StartAsync(
            transport, Handlers.EchoAsync, new TransportSettings { Backlog = 2 * Count });
        var factory = (TransportFactory)server.Host.Dialler();

        ConnectionContext[] connections = await Task.WhenAll(Enumerable.Range(0, Count).Select(_ => server.DialAsync()));

        await Task.WhenAll(connections.Select((connection, i) => connection.EchoAsync(seed: i, 1000)));
        await Task.WhenAll(connections.Select(connection => connection.CloseAsync()));
        await server.StopAsync();
        Assert.Equal(0, factory.ConnectionCount());
    }

    /// <summary>While connects are cancelled, refused and never answered, no connection gets what belongs to another.</summary>
    public static async Task CancelledConnectsReachNobodyAsync(TransportVariant transport)
    {
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, Handlers.EchoUntilResetAsync);
        var factory = (TransportFactory)server.Host.Dialler();
        using var silent = new FullListener(new IPEndPoint(IPAddress.Loopback, 0));
        List<ConnectionContext> talkers = [];
        for (int i = 0; i < Talkers; i++)
        {
            talkers.Add(await server.DialAsync());
        }

        using var end = new CancellationTokenSource();
        Task<int>[] talks = [.. talkers.Select((talker, i) => Task.Run(() => TalkAsync(talker, 100 + i, end.Token)))];
        int[] outcomes = [.. (await Task.WhenAll(Enumerable.Range(0, Stormers).Select(i => Task.Run(() => StormAsync(server, silent, i, 250)))).Limited())
            .Aggregate((a, b) => [.. a.Zip(b, (x, y) => x + y)])];
        await end.CancelAsync();

        Assert.All(await Task.WhenAll(talks).Limited(), rounds => Assert.NotEqual(0, rounds));
        Assert.All(outcomes, count => Assert.NotEqual(0, count)); // connected, cancelled, refused: each did happen
        await Task.WhenAll(talkers.Select(talker => talker.CloseAsync()));
        await server.StopAsync();
        Assert.Equal(0, factory.ConnectionCount());
        Assert.Equal(0, silent.Waiting());
    }

    /// <summary>Whatever way connects end, their descriptors are closed. Runs alone in its process.</summary>
    public static async Task DescriptorsComeBackAsync(TransportVariant transport)
    {
        await RunAsync();
        int before = ProcessFacts.Sockets();
        await RunAsync();
        await Eventually.TrueAsync(() => ProcessFacts.Sockets() <= before);

        async Task RunAsync()
        {
            await using ConnectionServer server = await ConnectionServer.StartAsync(transport, Handlers.EchoUntilResetAsync);
            using var silent = new FullListener(new IPEndPoint(IPAddress.Loopback, 0));
            await StormAsync(server, silent, seed: 1, 300);
            await server.StopAsync();
        }
    }

    private static async Task<int> TalkAsync(ConnectionContext talker, int seed, CancellationToken end)
    {
        var random = new Random(seed);
        int rounds = 0;
        do
        {
            await talker.EchoAsync(seed, random.Next(1, 20_000));
            rounds++;
        }
        while (!end.IsCancellationRequested);
        return rounds;
    }

    /// <returns>How many connects succeeded, were cancelled, and were refused.</returns>
    private static async Task<int[]> StormAsync(ConnectionServer server, FullListener silent, int seed, int connects)
    {
        int[] outcomes = new int[3];
        var random = new Random(seed);
        IPEndPoint dead = Dialling.DeadEndPoint();
        for (int i = 0; i < connects; i++)
        {
            EndPoint[] targets = [server.EndPoint, server.EndPoint, server.EndPoint, dead, silent.EndPoint];
            EndPoint target = targets[random.Next(targets.Length)];
            using var source = new CancellationTokenSource();
            try
            {
                Task<ConnectionContext> connecting = server.Host.Dialler().ConnectAsync(target, source.Token).AsTask();
                if (target == silent.EndPoint || random.Next(2) == 0)
                {
                    await CancelAsync(source, random.Next(3));
                }

                // Streams that no other connection uses, so that a stray byte is wrong wherever it turns up.
                await UseAsync(await connecting.Limited(), 1000 + (seed * 1000) + i, random);
                outcomes[0]++;
            }
            catch (OperationCanceledException)
            {
                outcomes[1]++;
            }
            catch (SocketException error)
            {
                Assert.Equal((dead, SocketError.ConnectionRefused), (target, error.SocketErrorCode));
                outcomes[2]++;
            }
        }

        return outcomes;
    }

    private static async Task CancelAsync(CancellationTokenSource source, int how)
    {
        switch (how)
        {
            case 0:
                source.Cancel(); // before the loop has seen the connect, as likely as not
                break;
            case 1:
                await Task.Yield();
                source.Cancel();
                break;
            default:
                await source.CancelAsync();
                break;
        }
    }

    private static async Task UseAsync(ConnectionContext connection, int stream, Random random)
    {
        await connection.EchoAsync(stream, random.Next(1, 5000));
        switch (random.Next(3))
        {
            case 0:
                await connection.CloseAsync();
                break;
            case 1:
                connection.Abort();
                await connection.DisposeAsync().Limited();
                break;
            default:
                await connection.Transport.Output.WritePayloadAsync(stream, 100);
                await connection.DisposeAsync().Limited();
                break;
        }
    }
}
