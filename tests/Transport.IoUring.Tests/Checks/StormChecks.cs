using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>Thousands of connections come and go, so that descriptors are reused, while others talk.</summary>
internal static class StormChecks
{
    private const int Talkers = 8;
    private const int Stormers = 4;
    private const int ConnectionsEach = 750;

    /// <summary>Nobody ever receives a byte of another connection, and the talkers notice nothing.</summary>
    public static async Task ReusedDescriptorsKeepConnectionsApartAsync(TransportVariant transport)
    {
        int accepted = 0;
        await using ConnectionServer server = await ConnectionServer.StartAsync(
            transport,
            connection => HandleAsync(connection, Interlocked.Increment(ref accepted)));
        var talkers = new List<TestClient>();
        for (int i = 0; i < Talkers; i++)
        {
            talkers.Add(await server.ConnectAsync());
            await talkers[i].EchoAsync(seed: i, 10);
        }

        using var end = new CancellationTokenSource();
        Task<int>[] talks = [.. talkers.Select((talker, i) => Task.Run(() => TalkAsync(talker, 100 + i, end.Token)))];
        Task[] storm = [.. Enumerable.Range(0, Stormers).Select(i => Task.Run(() => StormAsync(server, i)))];
        await Task.WhenAll(storm).Limited();
        await end.CancelAsync();
        int[] rounds = await Task.WhenAll(talks).Limited();
        Assert.All(rounds, count => Assert.NotEqual(0, count));
        talkers.ForEach(talker => talker.Fin());
        await Task.WhenAll(talkers.Select(talker => talker.ReceiveEndAsync()));
        talkers.ForEach(talker => talker.Dispose());
        await server.StopAsync();
    }

    /// <summary>Whatever way connections end, their descriptors are closed. Runs alone in its process.</summary>
    public static async Task DescriptorsComeBackAsync(TransportVariant transport)
    {
        await RunAsync();
        int before = ProcessFacts.Sockets();
        await RunAsync();
        await Eventually.TrueAsync(() => ProcessFacts.Sockets() <= before);

        async Task RunAsync()
        {
            int accepted = 0;
            await using ConnectionServer server = await ConnectionServer.StartAsync(
                transport,
                connection => HandleAsync(connection, Talkers + Interlocked.Increment(ref accepted)));
            await StormAsync(server, seed: 1, connections: 200);
            await server.StopAsync();
        }
    }

    private static async Task HandleAsync(ConnectionContext connection, int number)
    {
        if (number <= Talkers || number % 7 != 0)
        {
            await Handlers.EchoUntilResetAsync(connection);
            return;
        }

        try
        {
            // Every seventh is ended by the server, with its echo under way.
            ReadResult result = await connection.Transport.Input.ReadAsync();
            await connection.Transport.Output.WriteAsync(result.Buffer.First);
            connection.Transport.Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            connection.Abort(new ConnectionAbortedException("One of seven."));
        }
        catch (ConnectionResetException)
        {
            // The client was faster.
        }
    }

    private static async Task<int> TalkAsync(TestClient talker, int seed, CancellationToken end)
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

    private static async Task StormAsync(ConnectionServer server, int seed, int connections = ConnectionsEach)
    {
        var random = new Random(seed);
        for (int i = 0; i < connections; i++)
        {
            // Streams that no other connection uses, so that a stray byte is wrong wherever it turns up.
            int stream = 1000 + (seed * 1000) + i;
            try
            {
                using TestClient client = await server.ConnectAsync();
                int length = random.Next(1, 5000);
                await client.SendAsync(Payload.Create(stream, length));
                switch (random.Next(4))
                {
                    case 0:
                        break;
                    case 1:
                        await client.ReceivePayloadAsync(stream, random.Next(1, length + 1));
                        break;
                    case 2:
                        client.Fin();
                        await client.ReceivePayloadAsync(stream, length);
                        await client.ReceiveEndAsync();
                        break;
                    default:
                        client.Dispose();
                        continue;
                }

                client.Reset();
            }
            catch (SocketException reset) when (reset.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
            {
                // One of the seventh.
            }
        }
    }
}
