using Microsoft.AspNetCore.Connections;

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
}
