using System.Net.Sockets;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>No connection waits behind another's bulk: counted in turns of the loop, not in time.</summary>
public sealed class FairnessTests
{
    [Theory, Transports(OwnOnly = true, OneLoop = true, SharedLoops = true)]
    public async Task Receive_BulkBesideSmall_SmallOnesAreServedInTheNextTurns(TransportVariant transport)
    {
        const int Small = 50;
        const int MaxTurns = 4;
        long[] turns = new long[Small + 1];
        int connections = 0;
        EventLoop loop = null!;
        await using ConnectionServer server = await ConnectionServer.StartAsync(
            transport with { Scheduling = ApplicationScheduling.Inline },
            async connection =>
            {
                int number = Interlocked.Increment(ref connections) - 1;
                for (bool ended = false; !ended;)
                {
                    var read = await connection.Transport.Input.ReadAsync();
                    turns[number] = loop.Iteration;
                    ended = read.IsCompleted;
                    connection.Transport.Input.AdvanceTo(read.Buffer.End);
                    await connection.Transport.Output.WriteAsync(new byte[1]);
                }
            });
        loop = ((TransportFactory)server.Host.Factory).Loops!.Loops[0];
        var clients = new List<TestClient>();
        for (int i = 0; i <= Small; i++)
        {
            clients.Add(await server.ConnectAsync());
            await clients[i].SendAsync(new byte[1]);
            await clients[i].ReceiveExactAsync(1); // numbered in this order
        }

        // While the loop stands still, bulk arrives first, as much as the kernel takes, and then the small ones.
        long start = 0;
        using var go = new ManualResetEventSlim();
        var stands = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.Schedule(
            _ =>
            {
                stands.SetResult();
                go.Wait(TimeLimit.Current);
                start = loop.Iteration;
            },
            null);
        await stands.Task.Limited();
        int bulk = FillSocket(clients[0].Socket);
        Assert.True(bulk > 64 * 4096, $"Only {bulk} bytes of bulk.");
        for (int i = 1; i <= Small; i++)
        {
            await clients[i].SendAsync(new byte[1]);
        }

        go.Set();
        for (int i = 1; i <= Small; i++)
        {
            await clients[i].ReceiveExactAsync(1);
        }

        Assert.All(turns.Skip(1), turn => Assert.InRange(turn, start, start + MaxTurns));
        clients.ForEach(client => client.Reset());
        await server.StopAsync(allowFaults: true);
    }

    [Theory, Transports(OwnOnly = true, OneLoop = true, SharedLoops = true)]
    public async Task Send_BulkToFastReader_EveryTurnIsBounded(TransportVariant transport)
    {
        const int Length = 64 * 1024 * 1024;
        const int Piece = 16 * 1024;
        const int MaxPerTurn = 3 * 1024 * 1024 / 2; // sixteen sends of a write limit and a half
        long most = 0;
        EventLoop loop = null!;
        await using ConnectionServer server = await ConnectionServer.StartAsync(
            transport with { Scheduling = ApplicationScheduling.Inline },
            async connection =>
            {
                await connection.Transport.Input.ReadAsync();
                byte[] piece = new byte[Piece];
                long turn = -1;
                long inTurn = 0;
                for (int written = 0; written < Length; written += Piece)
                {
                    await connection.Transport.Output.WriteAsync(piece);
                    if (loop.IsOnLoop)
                    {
                        inTurn = loop.Iteration == turn ? inTurn + Piece : Piece;
                        turn = loop.Iteration;
                        most = Math.Max(most, inTurn);
                    }
                }
            });
        loop = ((TransportFactory)server.Host.Factory).Loops!.Loops[0];
        using TestClient client = await server.ConnectAsync();
        await client.SendAsync(new byte[1]);
        await Task.Run(() =>
        {
            byte[] buffer = new byte[256 * 1024];
            for (int received = 0; received < Length;)
            {
                int count = client.Socket.Receive(buffer);
                Assert.NotEqual(0, count);
                received += count;
            }
        }).Limited();
        Assert.InRange(most, 1, MaxPerTurn);
        client.Reset();
        await server.StopAsync(allowFaults: true);
    }

    private static int FillSocket(Socket socket)
    {
        byte[] bytes = new byte[64 * 1024];
        int filled = 0;
        socket.Blocking = false;
        while (true)
        {
            int count = socket.Send(bytes, SocketFlags.None, out SocketError error);
            if (error != SocketError.Success)
            {
                socket.Blocking = true;
                return filled;
            }

            filled += count;
        }
    }
}
