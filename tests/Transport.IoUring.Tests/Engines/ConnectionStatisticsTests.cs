using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>What a connection tells of its bytes and times.</summary>
public sealed class ConnectionStatisticsTests
{
    [Theory, Transports(OwnOnly = true)]
    public async Task Statistics_BytesMoved_AreCounted(TransportVariant transport)
    {
        const int Length = 3_000_000;
        var accepted = new TaskCompletionSource<ConnectionContext>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, connection =>
        {
            accepted.SetResult(connection);
            return Handlers.EchoAsync(connection);
        });
        DateTimeOffset before = DateTimeOffset.UtcNow;
        using TestClient client = await server.ConnectAsync();
        var statistics = (await accepted.Task.Limited()).Features.Get<IConnectionStatisticsFeature>();
        Assert.NotNull(statistics);
        Assert.Equal((0, 0, null), (statistics.BytesReceived, statistics.BytesSent, statistics.LastReceived));

        Task sending = client.SendPayloadAsync(seed: 1, Length);
        await client.ReceivePayloadAsync(seed: 1, Length);
        await sending;
        await Eventually.TrueAsync(() => statistics.BytesSent == Length); // the peer has the last bytes before the loop knows
        Assert.Equal(Length, statistics.BytesReceived);
        Assert.InRange(statistics.LastReceived!.Value, before - TimeSpan.FromSeconds(1), DateTimeOffset.UtcNow + TimeSpan.FromSeconds(1));

        TimeSpan idle = statistics.IdleTime;
        await Eventually.TrueAsync(() => statistics.IdleTime > idle); // grows while nothing moves
        DateTimeOffset last = statistics.LastReceived.Value;
        await client.EchoAsync(seed: 2, 1);
        await Eventually.TrueAsync(() => statistics.LastReceived > last);
        client.Fin();
        await client.ReceiveEndAsync();
        await server.StopAsync();
        Assert.Equal(Length + 1, statistics.BytesReceived);
    }

    [Theory]
    [InlineData(TransportKind.Epoll)]
    [InlineData(TransportKind.IoUring)]
    public async Task IdleTime_BytesEndALongSleep_CountsFromTheirArrival(TransportKind engine)
    {
        var time = new StoppedTime();
        await using TestTransport transport = engine == TransportKind.Epoll
            ? await new TestTransport(new EpollTransportOptions { LoopCount = 1 }, time).StartAsync()
            : await new TestTransport(new IoUringTransportOptions { LoopCount = 1, Fallback = IoUringFallback.Fail }, time).StartAsync();
        using Socket socket = await transport.ConnectAsync();
        await Eventually.TrueAsync(() => transport.Connections.Count == 1);
        IConnectionStatisticsFeature statistics = transport.Connections.Single().Features.GetRequiredFeature<IConnectionStatisticsFeature>();
        EventLoop loop = transport.Loops[0];

        // The last that the loop does before it sleeps is to look at the clock.
        var looked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await Eventually.StableAsync(() => loop.Iteration);
        loop.Schedule(
            _ =>
            {
                loop.TimestampOnLoop();
                looked.SetResult();
            },
            null);
        await looked.Task.WaitAsync(TestTransport.Limit);
        await Eventually.StableAsync(() => loop.Iteration);
        time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(TimeSpan.FromHours(1), statistics.IdleTime);
        await socket.SendAsync(new byte[1]);
        await Eventually.TrueAsync(() => statistics.LastReceived is not null);

        Assert.Equal(TimeSpan.Zero, statistics.IdleTime);
    }
}
