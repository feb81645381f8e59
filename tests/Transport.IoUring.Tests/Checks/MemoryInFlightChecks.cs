using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>
/// A thousand peers that do not read, or that send more than anybody reads, hold what the options allow and no more. Each
/// check runs alone in its process, which holds the (buffer-less) peers too.
/// </summary>
internal static class MemoryInFlightChecks
{
    private const int Peers = 1000;
    private const int Body = 10 * 1024 * 1024;
    private const int Piece = 16 * 1024;
    private const int Block = 4096;
    private const long WriteLimit = 64 * 1024;
    private const long ReadLimit = 64 * 1024;

    // What a connection costs beside its bytes (its objects, the handler's, both ends' sockets), and what a process grows by
    // anyway (code, threads, the receive buffers of a loop, the few buffers that verify).
    private const long PerPeer = 24 * 1024;
    private const long Fixed = 64L * 1024 * 1024;

    /// <summary>A bare handler writes 10 MiB to each of a thousand peers that read nothing; then all of them read.</summary>
    public static async Task SlowReadersAsync(TransportVariant transport)
    {
        long written = 0;
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, async connection =>
        {
            int seed = (await connection.Transport.Input.ReadAsync().Limited()).Buffer.FirstSpan[0];
            for (int position = 0; position < Body; position += Piece)
            {
                FillPiece(connection.Transport.Output, seed, position);
                await connection.Transport.Output.FlushAsync();
                Interlocked.Add(ref written, Piece);
            }
        });

        // A flush waits at the limit, which the last piece may pass.
        var budget = new Budget(server.Host, WriteLimit + Piece + Block);
        List<TestClient> peers = await ConnectAsync(server.EndPoint, seed => new[] { (byte)seed });
        await budget.VerifyStalledAsync(() => Volatile.Read(ref written), (long)Peers * Body);
        await ReadAllAsync(peers, static (peer, seed) => peer.ReceivePayloadAsync(seed, Body));
        budget.VerifyPeak();
        await server.StopAsync();
    }

    /// <summary>The same with Kestrel's HTTP/1.1.</summary>
    public static async Task SlowHttpReadersAsync(TransportVariant transport)
    {
        // Kestrel's request and response objects, its parser's and its timing's.
        const long PerRequest = 24 * 1024;
        long written = 0;
        await using KestrelHost host = await KestrelHost.StartAsync(transport, async context =>
        {
            int seed = int.Parse(context.Request.Path.Value.AsSpan(1), System.Globalization.CultureInfo.InvariantCulture);
            context.Response.ContentLength = Body;
            for (int position = 0; position < Body; position += Piece)
            {
                FillPiece(context.Response.BodyWriter, seed, position);
                await context.Response.BodyWriter.FlushAsync();
                Interlocked.Add(ref written, Piece);
            }
        });
        var budget = new Budget(host.Host, WriteLimit + Piece + (2 * Block) + PerRequest);
        List<TestClient> peers = await ConnectAsync(
            host.EndPoint, seed => Encoding.ASCII.GetBytes($"GET /{seed} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
        await budget.VerifyStalledAsync(() => Volatile.Read(ref written), (long)Peers * Body);
        await ReadAllAsync(peers, static async (peer, seed) =>
        {
            await ReadHeadAsync(peer);
            await peer.ReceivePayloadAsync(seed, Body);
        });
        budget.VerifyPeak();
        await host.StopAsync();
    }

    /// <summary>A thousand peers send two mebibytes each to handlers that do not read; then all of them read.</summary>
    public static async Task HandlersThatDoNotReadAsync(TransportVariant transport)
    {
        const int Sent = 2 * 1024 * 1024;
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int connections = 0;
        await using ConnectionServer server = await ConnectionServer.StartAsync(
            transport,
            async connection =>
            {
                Interlocked.Increment(ref connections);
                await release.Task;
                var first = await connection.Transport.Input.ReadAtLeastAsync(1).Limited();
                int seed = first.Buffer.FirstSpan[0];
                connection.Transport.Input.AdvanceTo(first.Buffer.GetPosition(1));
                await connection.Transport.Input.ReadPayloadAsync(seed, Sent);
            },
            new TransportSettings { MaxReadBufferSize = ReadLimit });
        var budget = new Budget(server.Host, ReadLimit + (transport.Kind == TransportKind.IoUring ? 256 * 1024 : 64 * 1024));
        List<TestClient> peers = await ConnectAsync(server.EndPoint, seed => new[] { (byte)seed });
        long sent = 0;
        var sending = new List<Task>();
        for (int i = 0; i < Peers; i++)
        {
            sending.Add(SendAsync(peers[i], Seed(i)));
        }

        await budget.VerifyStalledAsync(() => Volatile.Read(ref sent), (long)Peers * Sent);
        Assert.Equal(Peers, connections);
        release.SetResult();
        await Task.WhenAll(sending).Limited();
        await ReadAllAsync(peers, static (_, _) => Task.CompletedTask);
        budget.VerifyPeak();
        await server.StopAsync();

        async Task SendAsync(TestClient peer, int seed)
        {
            const int Part = 64 * 1024;
            for (int position = 0; position < Sent; position += Part)
            {
                byte[] bytes = new byte[Part];
                Payload.Fill(bytes, seed, position);
                for (int at = 0; at < Part;)
                {
                    // Not limited: it is to wait for the release.
                    at += await peer.Socket.SendAsync(bytes.AsMemory(at), SocketFlags.None);
                }

                Interlocked.Add(ref sent, Part);
            }
        }
    }

    // Into whatever memory there is: asked for 16 KiB at once, pipes take arrays instead of the pool's blocks.
    private static void FillPiece(PipeWriter output, int seed, int position)
    {
        for (int end = position + Piece; position < end;)
        {
            Span<byte> free = output.GetSpan();
            int count = Math.Min(free.Length, end - position);
            Payload.Fill(free[..count], seed, position);
            output.Advance(count);
            position += count;
        }
    }

    private static int Seed(int peer) => 1 + (peer % 250);

    private static async Task<List<TestClient>> ConnectAsync(EndPoint endPoint, Func<int, byte[]> greeting)
    {
        var peers = new List<TestClient>();
        for (int i = 0; i < Peers; i++)
        {
            peers.Add(await TestClient.ConnectAsync(endPoint));
            await peers[i].SendAsync(greeting(Seed(i)));
        }

        return peers;
    }

    private static Task ReadAllAsync(List<TestClient> peers, Func<TestClient, int, Task> read) => Parallel.ForAsync(
        0, Peers, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, _) =>
        {
            await read(peers[i], Seed(i));
            await peers[i].ReceiveEndAsync();
            peers[i].Dispose();
        });

    private static async Task ReadHeadAsync(TestClient peer)
    {
        for (int matched = 0; matched < 4;)
        {
            byte next = (await peer.ReceiveExactAsync(1))[0];
            matched = next == "\r\n\r\n"u8[matched] ? matched + 1 : next == '\r' ? 1 : 0;
        }
    }

    /// <summary>What the connections may hold, counted in blocks and measured as the process.</summary>
    private sealed class Budget(TransportHost host, long perConnection)
    {
        private readonly long _before = ProcessFacts.ResidentBytes();

        public async Task VerifyStalledAsync(Func<long> moved, long all)
        {
            long done = await Eventually.StableAsync(moved);
            Assert.True(done < all, "Nobody was held back: the peers' own kernel buffers took everything.");
            Verify();
        }

        public void VerifyPeak() => VerifyProcess(ProcessFacts.PeakResidentBytes());

        private void Verify()
        {
            long blocks = (long)host.Pool.Outstanding * Block;
            Assert.True(blocks <= Peers * perConnection, $"{blocks / Peers} bytes of blocks for each connection; allowed are {perConnection}.");
            VerifyProcess(ProcessFacts.ResidentBytes());
        }

        private void VerifyProcess(long resident)
        {
            long grown = resident - _before;
            long allowed = (Peers * (perConnection + PerPeer)) + Fixed;
            Assert.True(grown <= allowed, $"The process grew by {grown >> 20} MiB; allowed are {allowed >> 20} MiB.");
        }
    }
}
