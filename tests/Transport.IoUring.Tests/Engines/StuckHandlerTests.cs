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
        using var begun = new CountdownEvent(2);
        using var entered = new CountdownEvent(2);
        await using KestrelHost host = await KestrelHost.StartAsync(TransportVariants.Parse(variant), _ => Task.CompletedTask, listen => listen.Run(async connection =>
        {
            ValueTask<ReadResult> reading = connection.Transport.Input.ReadAsync();
            begun.Signal();
            ReadResult read = await reading;
            connection.Transport.Input.AdvanceTo(read.Buffer.End);
            entered.Signal();
            release.Wait(TimeLimit.Current);
        }));
        EventLoop[] loops = [.. ((TransportFactory)host.Host.Factory).Loops!.Loops];
        int stuck = variant.StartsWith("Epoll", StringComparison.Ordinal) ? 1 : 2; // both are on the one loop, or each has one
        using TestClient first = await host.ConnectAsync();
        using TestClient second = await host.ConnectAsync();
        await Eventually.TrueAsync(() => begun.IsSet); // a loop that stands accepts no more
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

    [Fact]
    public async Task Loop_DisposedTwiceWhileItsThreadIsKept_KeepsItsDescriptorsUntilItEnds()
    {
        using var release = new ManualResetEventSlim();
        using var entered = new ManualResetEventSlim();
        var loop = new ScriptedLoop();
        loop.Start(0);
        loop.Schedule(
            _ =>
            {
                entered.Set();
                release.Wait(TestTransport.Limit);
            },
            null);
        Assert.True(entered.Wait(TestTransport.Limit));

        loop.End(TimeSpan.Zero);
        loop.End(TimeSpan.Zero);

        // A closed descriptor's number would be another's by the time the thread goes on.
        Assert.True(loop.HoldsItsDescriptor);
        release.Set();
        await Eventually.TrueAsync(loop.HasEndedAsync);
        await Eventually.TrueAsync(() => !loop.HoldsItsDescriptor);
    }
}
