using System.IO.Pipelines;
using System.Net.Sockets;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>How much one wait brings.</summary>
[Collection(MeasuringGroup.Name)]
public sealed class EventBatchTests
{
    private const int Connections = 1000;

    // Newer kernels run no more than 20 completions in one enter that does not ask for more; 6.18 does so.
    private const int LeastOfIoUring = 16;

    // Not all: on a busy machine the last packets of the loopback are delivered after their senders have gone on.
    private const int LeastOfEpoll = 512;

    public static TheoryData<TransportKind> Engines => [TransportKind.Epoll, TransportKind.IoUring];

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Wait_ManySocketsReady_BringsManyAtOnce(TransportKind engine)
    {
        await using TestTransport transport = engine == TransportKind.Epoll
            ? await new TestTransport(new EpollTransportOptions { LoopCount = 1, Backlog = 2 * Connections }).StartAsync()
            : await new TestTransport(new IoUringTransportOptions { LoopCount = 1, Backlog = 2 * Connections, Fallback = IoUringFallback.Fail }).StartAsync();
        EventLoop loop = transport.Loops[0];
        var sockets = new List<Socket>();
        for (int i = 0; i < Connections; i++)
        {
            sockets.Add(await transport.ConnectAsync());
        }

        await Eventually.TrueAsync(() => loop.ConnectionCount == Connections);
        await Eventually.StableAsync(() => loop.Iteration);
        var standing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var allSent = new ManualResetEventSlim();
        var batch = new TaskCompletionSource<(long Enters, long Events)>(TaskCreationOptions.RunContinuationsAsynchronously);

        // The loop stands still until every socket has something; what it schedules itself runs one wait later.
        loop.Schedule(
            _ =>
            {
                standing.SetResult();
                allSent.Wait(TestTransport.Limit);
                (long enters, long events) = (loop.Statistics.Enters, loop.Statistics.Completions);
                loop.Schedule(_ => loop.Schedule(_ => batch.SetResult((loop.Statistics.Enters - enters, loop.Statistics.Completions - events)), null), null);
            },
            null);
        await standing.Task.WaitAsync(TestTransport.Limit);
        foreach (Socket socket in sockets)
        {
            await socket.SendAsync(new byte[1]);
        }

        allSent.Set();
        (long waits, long reported) = await batch.Task.WaitAsync(TestTransport.Limit);

        sockets.ForEach(socket => socket.Dispose());
        Assert.Equal(1, waits);
        int least = engine == TransportKind.Epoll ? LeastOfEpoll : LeastOfIoUring;
        Assert.True(reported >= least, $"{waits} waits brought {reported} events of {Connections}.");
    }

    [Fact]
    public async Task Wait_OneWritableAnotherReadable_InputIsTakenBeforeOutputIsSent()
    {
        Socket? slow = null;
        var availableAtInput = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using ConnectionServer server = await ConnectionServer.StartAsync(
            new TransportVariant(TransportKind.Epoll, Loops: 1, ApplicationScheduling.Inline),
            async connection =>
            {
                ReadResult read = await connection.Transport.Input.ReadAsync();
                bool isSlow = read.Buffer.FirstSpan[0] == 1;
                connection.Transport.Input.AdvanceTo(read.Buffer.End);
                if (isSlow)
                {
                    await connection.Transport.Output.WriteAsync(new byte[32 * 1024 * 1024]);
                    return;
                }

                await connection.Transport.Output.WriteAsync(new byte[1]);
                await connection.Transport.Input.ReadAsync();
                availableAtInput.SetResult(slow!.Available);
            });
        EventLoop loop = ((TransportFactory)server.Host.Factory).Loops!.Loops[0];
        TestClient slowClient = await server.ConnectAsync();
        slow = slowClient.Socket;
        await slowClient.SendAsync(new byte[] { 1 });
        TestClient quickClient = await server.ConnectAsync();
        await quickClient.SendAsync(new byte[] { 2 });
        await quickClient.ReceiveExactAsync(1);
        await Eventually.StableAsync(() => slow.Available); // as much as the kernel takes

        // While the loop stands still the slow one becomes writable, and then the quick one readable: one wait reports both, in this order.
        using var go = new ManualResetEventSlim();
        var stands = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.Schedule(
            _ =>
            {
                stands.SetResult();
                go.Wait(TimeLimit.Current);
            },
            null);
        await stands.Task.Limited();
        byte[] buffer = new byte[1024 * 1024];
        do
        {
            while (slow.Available > 0)
            {
                _ = slow.Receive(buffer);
            }
        }
        while (slow.Poll(TimeSpan.FromMilliseconds(100), SelectMode.SelectRead)); // what was under way in the server's send buffer
        await quickClient.SendAsync(new byte[1]);
        go.Set();

        Assert.Equal(0, await availableAtInput.Task.Limited());
        await Eventually.TrueAsync(() => slow.Available > 0);
        slowClient.Reset();
        quickClient.Reset();
        await server.StopAsync(allowFaults: true);
    }
}
