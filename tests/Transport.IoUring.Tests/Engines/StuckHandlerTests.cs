using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Hosting;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>A handler that never gives its thread back does not keep the host from ending; the thread ends when it does.</summary>
public sealed class StuckHandlerTests
{
    private const int DoesNotEndEvent = 110;

    public static TheoryData<string> Variants => ["Epoll-1-Inline", "IoUring-2-Inline", "Blocking-1-Inline"];

    [Theory]
    [MemberData(nameof(Variants))]
    public async Task Host_HandlersKeepTheirThreads_EndsAndSaysSo(string variant)
    {
        using var release = new ManualResetEventSlim();
        using var entered = new CountdownEvent(2);
        await using KestrelHost host = await KestrelHost.StartAsync(TransportVariants.Parse(variant), _ => Task.CompletedTask, listen => listen.Run(async connection =>
        {
            ReadResult read = await connection.Transport.Input.ReadAsync();
            connection.Transport.Input.AdvanceTo(read.Buffer.End);
            entered.Signal();
            release.Wait(TimeLimit.Current);
        }));
        EventLoop[] loops = [.. ((TransportFactory)host.Host.Factory).Loops!.Loops];
        int stuck = variant.StartsWith("Epoll", StringComparison.Ordinal) ? 1 : 2; // both are on the one loop, or each has one
        using TestClient first = await host.ConnectAsync();
        using TestClient second = await host.ConnectAsync();
        await first.SendAsync(new byte[1]);
        await second.SendAsync(new byte[1]);
        await Eventually.TrueAsync(() => entered.CurrentCount <= 2 - stuck);

        await host.Host.Application.StopAsync(new CancellationToken(canceled: true)).Limited();
        await ((IAsyncDisposable)host.Host.Application).DisposeAsync().AsTask().Limited();

        Assert.Equal(stuck, host.Host.TransportLines.Count(line => line.Id == DoesNotEndEvent));
        release.Set();
        foreach (EventLoop loop in loops)
        {
            await Eventually.TrueAsync(loop.HasEndedAsync);
        }

        await Eventually.TrueAsync(() => host.Host.Pool.Pools == 0);
    }
}
