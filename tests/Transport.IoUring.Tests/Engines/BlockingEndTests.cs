using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>How the transport with a thread for every connection ends: its one memory pool outlives the last of its threads.</summary>
public sealed class BlockingEndTests
{
    private static readonly TransportVariant Blocking = TransportVariants.Parse("Blocking-1-Inline");

    [Fact]
    public async Task Dispose_ByAConnectionsOwnThread_PoolOutlivesIt()
    {
        await using TransportHost host = TransportHost.Create(Blocking);
        IConnectionListener listener = await host.BindAsync();
        using TestClient client = await TestClient.ConnectAsync(listener.EndPoint);
        using TestClient other = await TestClient.ConnectAsync(listener.EndPoint);
        ConnectionContext connection = (await listener.AcceptAsync().Limited())!;
        ConnectionContext second = (await listener.AcceptAsync().Limited())!;
        Task handler = Task.Run(async () =>
        {
            ReadResult read = await connection.Transport.Input.ReadAsync(); // and keeps the block
            connection.Transport.Output.GetSpan(100)[..100].Fill(7);
            ((IDisposable)host.Factory).Dispose();

            Assert.StartsWith("kestrel-conn-", Thread.CurrentThread.Name, StringComparison.Ordinal);
            Assert.Equal(1, host.Pool.Pools);
            connection.Transport.Output.Advance(100);
            connection.Transport.Output.Write(new byte[10_000]); // takes more blocks
            connection.Transport.Input.AdvanceTo(read.Buffer.End);
        });
        await client.SendAsync(new byte[1000]);

        await handler.Limited();
        await Eventually.TrueAsync(() => host.Pool.Pools == 0);
        await connection.DisposeAsync().Limited();
        await second.DisposeAsync().Limited();
        await host.VerifyPoolAsync();
        await other.ReceiveErrorAsync();
    }

    [Fact]
    public async Task Dispose_WhileAHandlerStillWorks_PoolOutlivesIt()
    {
        await using TransportHost host = TransportHost.Create(Blocking);
        IConnectionListener listener = await host.BindAsync();
        using TestClient client = await TestClient.ConnectAsync(listener.EndPoint);
        ConnectionContext connection = (await listener.AcceptAsync().Limited())!;
        using var release = new ManualResetEventSlim();
        var blocked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task handler = Task.Run(async () =>
        {
            ReadResult read = await connection.Transport.Input.ReadAsync();
            connection.Transport.Input.AdvanceTo(read.Buffer.End);
            blocked.SetResult();
            Assert.True(release.Wait(TimeLimit.Current));
            connection.Transport.Output.Write(new byte[10_000]);
        });
        await client.SendAsync(new byte[1]);
        await blocked.Task.Limited();

        Task disposed = Task.Run(((IDisposable)host.Factory).Dispose);
        Assert.Null(await listener.AcceptAsync().Limited());
        await Eventually.TrueAsync(() => ((TransportFactory)host.Factory).Loops!.Loops[0].HasEndedAsync()); // of the listeners
        Assert.Equal(1, host.Pool.Pools);
        Assert.False(disposed.IsCompleted);
        release.Set();

        await handler.Limited();
        await disposed.Limited();
        Assert.Equal(0, host.Pool.Pools);
        await connection.DisposeAsync().Limited();
        await host.VerifyPoolAsync();
    }

    [Fact]
    public async Task TakeLeastLoaded_WhileTheGroupIsDisposed_EveryThreadEnds()
    {
        const int Rounds = 20;
        const int Takers = 3;
        for (int round = 0; round < Rounds; round++)
        {
            var pools = new TrackingMemoryPoolFactory(pinned: true);
            BlockingLoopGroup group = BlockingLoopGroup.Start(pools.Create(), ScriptedLoop.CreateSettings());
            int taken = 0;
            Task<List<EventLoop>>[] takers = [.. Enumerable.Range(0, Takers).Select(_ => Task.Run(() =>
            {
                var loops = new List<EventLoop>();
                while (true)
                {
                    try
                    {
                        loops.Add(group.TakeLeastLoaded());
                        Interlocked.Increment(ref taken);
                    }
                    catch (ObjectDisposedException)
                    {
                        return loops;
                    }
                }
            }))];
            await Eventually.TrueAsync(() => Volatile.Read(ref taken) >= Takers);

            await Task.Run(group.Dispose).Limited();

            List<EventLoop>[] loops = await Task.WhenAll(takers).Limited();
            foreach (EventLoop loop in loops.SelectMany(taken => taken))
            {
                Assert.True(await loop.HasEndedAsync());
            }

            Assert.Equal(0, pools.Pools);
        }
    }

    [Fact]
    public Task Dispose_WhileConnectionsCome_NoThreadIsLeft() =>
        ChildProcess.RunCheckAsync(BlockingChecks.DisposeWhileConnectionsComeAsync, Blocking);
}
