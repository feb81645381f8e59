using System.Net.Sockets;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>When many blocks are received at once, and that this ends as every receive does.</summary>
public sealed class BulkTests
{
    public static TheoryData<TransportKind> Engines => [TransportKind.Epoll, TransportKind.IoUring];

    [Fact]
    public void Detector_FullBuffersInARow_AreBulkUntilLittleComes()
    {
        var detector = default(BulkDetector);
        for (int i = 0; i < 7; i++)
        {
            detector.OnBuffer(isFull: true);
        }

        Assert.False(detector.IsBulk);
        detector.OnBuffer(isFull: true);
        Assert.True(detector.IsBulk);
        detector.OnBulk(65_536);
        detector.OnBulk(16_384);
        Assert.True(detector.IsBulk);
        detector.OnBulk(16_383);
        Assert.False(detector.IsBulk);

        detector.OnBuffer(isFull: true);
        Assert.False(detector.IsBulk); // counted from the beginning
    }

    [Fact]
    public void Detector_FullBuffersWithOthersBetween_AreNotBulk()
    {
        var detector = default(BulkDetector);
        for (int i = 0; i < 100; i++)
        {
            detector.OnBuffer(isFull: i % 7 != 6);
        }

        Assert.False(detector.IsBulk);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Receive_MemoryPoolThrowsInBulk_EndsThatConnectionAlone(TransportKind engine)
    {
        var pool = new FailingPool();
        await using TestTransport transport = await Create(engine, pool).StartAsync();
        using Socket victim = await transport.ConnectAsync();
        using Socket bystander = await transport.ConnectAsync();
        await Eventually.TrueAsync(() => transport.Connections.Count == 2);
        var statistics = transport.Connections.First().Features.Get<IConnectionStatisticsFeature>()!;
        bool ended = false;
        Task reading = Task.Run(async () =>
        {
            try
            {
                byte[] buffer = new byte[65_536];
                while (await victim.ReceiveAsync(buffer) > 0)
                {
                    // The echo of what was sent, until the connection ends.
                }
            }
            catch (SocketException)
            {
                // With a reset, where bytes were left unread.
            }

            ended = true;
        });

        // Far into the stream the next receive is a bulk one.
        byte[] bytes = new byte[1_000_000];
        try
        {
            while (!ended)
            {
                await victim.SendAsync(bytes).WaitAsync(TestTransport.Limit);
                pool.Fails = statistics.BytesReceived > 5_000_000;
            }
        }
        catch (SocketException)
        {
            // The same.
        }

        await reading.WaitAsync(TestTransport.Limit);
        pool.Fails = false;

        await bystander.SendAsync(new byte[] { 1 });
        Assert.Equal(1, await bystander.ReceiveAsync(new byte[1]).WaitAsync(TestTransport.Limit));
        await transport.EchoAsync(2_000_000);
    }

    private static TestTransport Create(TransportKind engine, FailingPool pool) => engine == TransportKind.Epoll
        ? new TestTransport(new EpollTransportOptions { LoopCount = 1 }) { Pool = pool }
        : new TestTransport(new IoUringTransportOptions { LoopCount = 1, Fallback = IoUringFallback.Fail }) { Pool = pool };
}
