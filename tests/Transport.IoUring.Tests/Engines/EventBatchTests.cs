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
}
