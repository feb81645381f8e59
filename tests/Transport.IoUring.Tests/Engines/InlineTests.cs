using System.IO.Pipelines;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>Where an inline application runs.</summary>
public sealed class InlineTests
{
    public static MatrixTheoryData<string, bool> Variants => new(["Epoll-1-Inline", "IoUring-2-Inline", "Blocking-1-Inline"], [false, true]);

    [Theory]
    [MemberData(nameof(Variants))]
    public async Task Read_BytesAreThereBefore_GoesOnOnTheLoop(string variant, bool atLeast)
    {
        var thread = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using ConnectionServer server = await ConnectionServer.StartAsync(TransportVariants.Parse(variant), async connection =>
        {
            // Kestrel runs this on the thread pool.
            IConnectionStatisticsFeature statistics = connection.Features.Get<IConnectionStatisticsFeature>()!;
            await Eventually.TrueAsync(() => statistics.BytesReceived > 0);
            ReadResult read = await (atLeast ? connection.Transport.Input.ReadAtLeastAsync(1) : connection.Transport.Input.ReadAsync());
            thread.SetResult(Thread.CurrentThread.Name);
            connection.Transport.Input.AdvanceTo(read.Buffer.End);
        });
        using TestClient client = await server.ConnectAsync();
        await client.SendAsync(new byte[1]);
        Assert.StartsWith("kestrel-", await thread.Task.Limited(), StringComparison.Ordinal);
        await client.ReceiveEndAsync();
        await server.StopAsync();
    }
}
