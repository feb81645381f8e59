using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>Every byte arrives once, in order, at its own connection.</summary>
internal static class IntegrityChecks
{
    private const int Connections = 16;
    private const int LengthEach = 4 * 1024 * 1024;

    /// <summary>Random sizes from a byte to a mebibyte, both directions at once, on many connections.</summary>
    public static Task BothDirectionsAtOnceAsync(TransportVariant transport) => RunAsync(transport, new TransportSettings());

    /// <summary>The same while the garbage collector compacts all the time and the pool's blocks are not pinned.</summary>
    public static async Task MovingMemoryAsync(TransportVariant transport)
    {
        using var end = new CancellationTokenSource();
        Task collecting = Task.Run(async () =>
        {
            // A pace, or the collections take all the time there is and the transfer hardly moves.
            using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(2));
            var litter = new List<byte[]>();
            while (!end.IsCancellationRequested)
            {
                await pace.WaitForNextTickAsync();

                // Small arrays between the blocks, so that compaction has holes to close.
                for (int i = 0; i < 100; i++)
                {
                    litter.Add(new byte[Random.Shared.Next(16, 2000)]);
                }

                litter.RemoveAll(_ => Random.Shared.Next(2) == 0);
                GC.Collect(Random.Shared.Next(0, 3), GCCollectionMode.Forced, blocking: true, compacting: true);
            }
        });
        try
        {
            await RunAsync(transport, new TransportSettings { UnpinnedPool = true }, LengthEach);
        }
        finally
        {
            await end.CancelAsync();
            await collecting.Limited();
        }
    }

    /// <summary>
    /// Clients that read slowly keep sends under way while other connections come, send and go: memory of a pending send
    /// must not be given to anybody else.
    /// </summary>
    public static async Task PendingSendsKeepTheirMemoryAsync(TransportVariant transport)
    {
        const int Slow = 16;
        const int Length = 2 * 1024 * 1024;
        int connections = 0;
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, async connection =>
        {
            int seed = Interlocked.Increment(ref connections);
            await connection.Transport.Output.WriteAsync(new[] { (byte)seed });
            await connection.Transport.Output.WritePayloadAsync(seed, Length);
        });
        var clients = new List<TestClient>();
        for (int i = 0; i < Slow; i++)
        {
            clients.Add(await TestClient.ConnectAsync(server.EndPoint, socket => socket.ReceiveBufferSize = 16 * 1024));
        }

        for (int i = 0; i < 50; i++)
        {
            using TestClient quick = await server.ConnectAsync();
            if (i % 2 == 0)
            {
                byte seed = (await quick.ReceiveExactAsync(1))[0];
                await quick.ReceivePayloadAsync(seed, Length / 8);
            }

            quick.Reset();
        }

        foreach (TestClient client in clients)
        {
            byte seed = (await client.ReceiveExactAsync(1))[0];
            await client.ReceivePayloadAsync(seed, Length);
            await client.ReceiveEndAsync();
            client.Dispose();
        }

        await server.StopAsync(allowFaults: true);
    }

    private static async Task RunAsync(TransportVariant transport, TransportSettings settings, int length = LengthEach)
    {
        await using ConnectionServer server = await ConnectionServer.StartAsync(
            transport,
            async connection =>
            {
                ReadResult first = await connection.Transport.Input.ReadAtLeastAsync(1).Limited();
                int seed = first.Buffer.FirstSpan[0];
                connection.Transport.Input.AdvanceTo(first.Buffer.GetPosition(1));
                await Task.WhenAll(
                    connection.Transport.Input.ReadPayloadAsync(seed, length),
                    WriteRandomPiecesAsync(connection, seed + 1000, length));
            },
            settings);
        await Task.WhenAll(Enumerable.Range(1, Connections).Select(async seed =>
        {
            using TestClient client = await server.ConnectAsync();
            await client.SendAsync(new[] { (byte)seed });
            await Task.WhenAll(client.SendPayloadAsync(seed, length, maxPiece: 1024 * 1024), client.ReceivePayloadAsync(seed + 1000, length));
            await client.ReceiveEndAsync();
        })).Limited();
        await server.StopAsync();
    }

    private static async Task WriteRandomPiecesAsync(ConnectionContext connection, int seed, int length)
    {
        var random = new Random(seed);
        PipeWriter output = connection.Transport.Output;
        for (int position = 0; position < length;)
        {
            int piece = Math.Min(length - position, random.Next(2) == 0 ? random.Next(1, 100) : random.Next(1, 1024 * 1024));
            byte[] bytes = new byte[piece];
            Payload.Fill(bytes, seed, position);
            await output.WriteAsync(bytes).Limited();
            position += piece;
        }
    }
}
