using Kestrel.Rpc.Transport.Native;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>Loops that look for work instead of sleeping.</summary>
[Collection(MeasuringGroup.Name)]
public sealed class SpinTests
{
    private static readonly TimeSpan SpinTime = TimeSpan.FromMilliseconds(1);

    public static TheoryData<TransportKind> Engines => [TransportKind.Epoll, TransportKind.IoUring];

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Loop_SpinTimeIsOver_SleepsUntilThereIsWork(TransportKind engine)
    {
        var time = new StoppedTime();
        await using TestTransport transport = await Create(engine, SpinTime, time).StartAsync();
        EventLoop loop = transport.Loops[0];
        await transport.EchoAsync(1000);
        await Eventually.TrueAsync(() => loop.ConnectionCount == 0);
        long sleeps = Volatile.Read(ref loop.Statistics.Sleeps);
        await TurnsAsync(loop, 1000); // no time passes, so it goes on looking
        Assert.Equal(sleeps, Volatile.Read(ref loop.Statistics.Sleeps));

        time.Advance(SpinTime);
        await Eventually.TrueAsync(() => Volatile.Read(ref loop.Statistics.Sleeps) == sleeps + 1);
        long turns = await Eventually.StableAsync(() => loop.Iteration);
        Assert.Equal(sleeps + 1, Volatile.Read(ref loop.Statistics.Sleeps));

        // Woken by work, it looks again for the whole of its time.
        long signals = loop.WakeUps;
        await OnLoopAsync(loop);
        Assert.Equal(signals + 1, loop.WakeUps);
        await TurnsAsync(loop, 1000);
        Assert.True(loop.Iteration > turns);
        Assert.Equal(sleeps + 1, Volatile.Read(ref loop.Statistics.Sleeps));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Posts_WhileTheLoopSpins_SignalNothing(TransportKind engine)
    {
        await using TestTransport transport = await Create(engine, Timeout.InfiniteTimeSpan, TimeProvider.System).StartAsync();
        EventLoop loop = transport.Loops[0];

        for (int i = 0; i < 1000; i++)
        {
            await OnLoopAsync(loop);
        }

        await transport.EchoAsync(100_000);
        Assert.Equal(0, loop.WakeUps);
        Assert.Equal(0, Volatile.Read(ref loop.Statistics.Sleeps));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Posts_WhileTheLoopSleeps_SignalIt(TransportKind engine)
    {
        await using TestTransport transport = await Create(engine, TimeSpan.Zero, TimeProvider.System).StartAsync();
        EventLoop loop = transport.Loops[0];

        for (int i = 0; i < 3; i++)
        {
            await Eventually.StableAsync(() => loop.Iteration); // asleep
            await OnLoopAsync(loop);
        }

        Assert.True(loop.WakeUps >= 3, $"{loop.WakeUps} signals.");
        Assert.True(Volatile.Read(ref loop.Statistics.Sleeps) >= 3);
    }

    [Fact]
    public async Task IoUring_SpinsWithoutWork_MakesNoSystemCall()
    {
        await using TestTransport transport = await Create(TransportKind.IoUring, Timeout.InfiniteTimeSpan, TimeProvider.System).StartAsync();
        var loop = (IoUringLoop)transport.Loops[0];
        Assert.NotEqual(0u, loop.Ring.Parameters.Flags & IoUringConstants.IORING_SETUP_TASKRUN_FLAG);
        await transport.EchoAsync(1000);
        await Eventually.TrueAsync(() => loop.ConnectionCount == 0);

        long enters = await Eventually.StableAsync(() => Volatile.Read(ref loop.Statistics.Enters));
        await TurnsAsync(loop, 100_000);

        Assert.Equal(enters, Volatile.Read(ref loop.Statistics.Enters));
        await transport.EchoAsync(1000);
    }

    private static TestTransport Create(TransportKind engine, TimeSpan spinTime, TimeProvider time)
    {
        LinuxTransportOptions options = engine == TransportKind.Epoll
            ? new EpollTransportOptions()
            : new IoUringTransportOptions { Fallback = IoUringFallback.Fail };
        options.LoopCount = 1;
        options.Polling.SpinTime = spinTime;
        return options is IoUringTransportOptions ring ? new TestTransport(ring, time) : new TestTransport((EpollTransportOptions)options, time);
    }

    private static Task TurnsAsync(EventLoop loop, int turns)
    {
        long start = loop.Iteration;
        return Eventually.TrueAsync(() => loop.Iteration >= start + turns);
    }

    private static Task OnLoopAsync(EventLoop loop)
    {
        var ran = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.Schedule(static ran => ((TaskCompletionSource)ran!).SetResult(), ran);
        return ran.Task.WaitAsync(TestTransport.Limit);
    }
}
