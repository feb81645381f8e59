using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>Neither direction takes more than its limit, and nothing is lost when it flows again.</summary>
internal static class BackPressureChecks
{
    private const long Total = 64 * 1024 * 1024;

    // What both sockets of a loopback connection may hold on top of a transport's limit: the kernel's largest receive
    // buffer and a send buffer, with room to spare.
    private const long Bound = 32 * 1024 * 1024;

    private const int Limit = 128 * 1024;

    /// <summary>A handler that does not read makes the client's send wait; memory stays bounded; then all bytes arrive.</summary>
    public static async Task ReaderThatStopsPausesTheClientAsync(TransportVariant transport)
    {
        var read = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using ConnectionServer server = await ConnectionServer.StartAsync(
            transport,
            async connection =>
            {
                await read.Task.Limited();
                await connection.Transport.Input.ReadPayloadAsync(seed: 1, Total);
            },
            new TransportSettings { MaxReadBufferSize = Limit });
        using TestClient client = await TestClient.ConnectAsync(server.EndPoint, socket => socket.SendBufferSize = 64 * 1024);
        long sent = 0;
        byte[] piece = new byte[64 * 1024];
        Task sending = Task.Run(async () =>
        {
            while (sent < Total)
            {
                Payload.Fill(piece, seed: 1, sent);
                int count = await client.SendSomeAsync(piece.AsMemory(0, (int)Math.Min(piece.Length, Total - sent)));
                Volatile.Write(ref sent, sent + count);
            }
        });

        await Eventually.TrueAsync(() => server.Host.HasLogged(TransportEvents.Pause) || Volatile.Read(ref sent) >= Bound);
        long stuck = await Eventually.StableAsync(() => Volatile.Read(ref sent));
        Assert.True(stuck < Bound, $"The client could send {stuck} bytes that nobody reads.");
        Assert.False(server.Host.HasLogged(TransportEvents.Resume), "The transport resumed although nobody read.");

        // A kernel thread goes on receiving until it sees that it shall not: at most all buffers of the loop, and once more.
        bool hasKernelThread = transport.Polling is TransportPolling.SubmissionQueue or TransportPolling.Both;
        Assert.InRange((long)server.Host.Pool.Outstanding * 4096, 0, hasKernelThread ? 16 * 1024 * 1024 : 8 * Limit);
        read.SetResult();
        await sending.Limited();
        client.Fin();
        await client.ReceiveEndAsync();
        await server.StopAsync();
        Assert.True(server.Host.HasLogged(TransportEvents.Resume), "No line tells that reading went on.");
    }

    /// <summary>The smallest limits there are: slow, but every byte arrives.</summary>
    public static async Task LimitsOfOneByteLoseNothingAsync(TransportVariant transport)
    {
        await using ConnectionServer server = await ConnectionServer.StartAsync(
            transport, Handlers.EchoAsync, new TransportSettings { MaxReadBufferSize = 1, MaxWriteBufferSize = 1 });
        using TestClient client = await server.ConnectAsync();
        for (int i = 0; i < 20; i++)
        {
            await client.EchoAsync(seed: i, 5000);
        }

        client.Fin();
        await client.ReceiveEndAsync();
        await server.StopAsync();
    }

    /// <summary>A client that does not read makes flushes wait at the limit; when it reads, all bytes arrive.</summary>
    public static async Task ClientThatDoesNotReadPausesFlushAsync(TransportVariant transport)
    {
        long written = 0;
        await using ConnectionServer server = await ConnectionServer.StartAsync(
            transport,
            async connection =>
            {
                PipeWriter output = connection.Transport.Output;
                while (written < Total)
                {
                    Payload.Fill(output.GetSpan(4096)[..4096], seed: 2, written);
                    output.Advance(4096);
                    await output.FlushAsync();
                    Volatile.Write(ref written, written + 4096);
                }
            },
            new TransportSettings { MaxWriteBufferSize = Limit });
        using TestClient client = await TestClient.ConnectAsync(server.EndPoint, socket => socket.ReceiveBufferSize = 64 * 1024);
        await Eventually.TrueAsync(() => Volatile.Read(ref written) > Limit / 2); // a transport without sockets stops short of the limit
        long stuck = await Eventually.StableAsync(() => Volatile.Read(ref written));
        Assert.True(stuck < Bound, $"The handler could write {stuck} bytes that nobody reads.");
        Assert.InRange((long)server.Host.Pool.Outstanding * 4096, 0, 8 * Limit);
        await client.ReceivePayloadAsync(seed: 2, Total);
        await client.ReceiveEndAsync();
        await server.StopAsync();
    }

    /// <summary>Without a write limit a flush never waits for the peer.</summary>
    public static async Task NoWriteLimitNeverWaitsAsync(TransportVariant transport)
    {
        const int Length = 16 * 1024 * 1024;
        var written = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using ConnectionServer server = await ConnectionServer.StartAsync(
            transport,
            async connection =>
            {
                await connection.Transport.Output.WritePayloadAsync(seed: 3, Length);
                written.SetResult();
            },
            new TransportSettings { MaxWriteBufferSize = null });
        using TestClient client = await server.ConnectAsync();
        await written.Task.Limited();
        await client.ReceivePayloadAsync(seed: 3, Length);
        await client.ReceiveEndAsync();
        await server.StopAsync();
    }

    /// <summary>
    /// Many connections fill whatever buffers a loop shares while their handlers do not read. A connection beside them is
    /// served, and when the handlers read, every connection gets all of its bytes.
    /// </summary>
    public static async Task ManyStoppedReadersStarveNobodyAsync(TransportVariant transport)
    {
        const int Clients = 100;
        const int Length = 256 * 1024;
        var read = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, async connection =>
        {
            ReadResult first = await connection.Transport.Input.ReadAsync();
            bool echo = first.Buffer.FirstSpan[0] == Payload.Create(seed: 0, 1)[0];
            connection.Transport.Input.AdvanceTo(first.Buffer.Start);
            if (echo)
            {
                await Handlers.EchoAsync(connection);
                return;
            }

            await read.Task.Limited();
            await connection.Transport.Input.ReadPayloadAsync(seed: 1, Length);
            await connection.Transport.Output.WriteAsync(new byte[] { 1 });
        });
        Assert.NotEqual(Payload.Create(seed: 0, 1), Payload.Create(seed: 1, 1));
        var clients = new List<TestClient>();
        var sending = new List<Task>();
        for (int i = 0; i < Clients; i++)
        {
            clients.Add(await server.ConnectAsync());
            sending.Add(clients[i].SendPayloadAsync(seed: 1, Length));
        }

        using TestClient other = await server.ConnectAsync();
        for (int round = 0; round < 20; round++)
        {
            await other.EchoAsync(seed: 0, 10_000);
        }

        read.SetResult();
        await Task.WhenAll(sending).Limited();
        foreach (TestClient client in clients)
        {
            Assert.Equal([1], await client.ReceiveExactAsync(1));
            client.Dispose();
        }

        other.Fin();
        await other.ReceiveEndAsync();
        await server.StopAsync();
    }
}
