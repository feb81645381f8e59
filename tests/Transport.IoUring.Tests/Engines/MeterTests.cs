using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>Each instrument tells what really happened.</summary>
[Collection(MeasuringGroup.Name)]
public sealed class MeterTests
{
    private const int Size = 1000;

    public static TheoryData<TransportKind> Engines => [TransportKind.Epoll, TransportKind.IoUring];

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Instruments_KnownTraffic_TellIt(TransportKind engine)
    {
        using var meter = new TransportMeter();
        using var readings = new MeterReadings();
        await using TestTransport transport = await Create(engine, meter).StartAsync();
        Assert.Equal(0, readings.Take()[TransportMetrics.AcceptedConnections]);

        using (Socket first = await transport.ConnectAsync())
        using (Socket second = await transport.ConnectAsync())
        {
            await EchoAsync(first);
            await EchoAsync(second);
            Assert.Equal(2, readings.Take()[TransportMetrics.Connections]);
        }

        await Eventually.TrueAsync(() => readings.Take()[TransportMetrics.Connections] == 0);
        await Eventually.StableAsync(() => transport.Loops[0].Iteration);
        Dictionary<string, double> values = readings.Take();
        Assert.Equal(2, values[TransportMetrics.AcceptedConnections]);
        Assert.Equal(0, values[TransportMetrics.RejectedConnections]);
        Assert.Equal(2 * Size, values[$"{TransportMetrics.NetworkIo} receive"]);
        Assert.Equal(2 * Size, values[$"{TransportMetrics.NetworkIo} transmit"]);
        Assert.Equal(0, values[TransportMetrics.AcceptPauses]);
        Assert.Equal(0, values[TransportMetrics.BufferStarvations]);
        Assert.Equal(0, values[TransportMetrics.Overflows]);
        Assert.Equal(0, values[TransportMetrics.Losses]);
        Assert.Equal(transport.Loops[0].WakeUps, values[TransportMetrics.WakeUps]);
        Assert.True(values[TransportMetrics.Completions] >= 6, "Two accepts, two receives, two ends.");
        Assert.InRange(values[TransportMetrics.Sleeps], 1, values[TransportMetrics.Enters] + 1); // the wait under way is counted when it ends
        await AllocatedOnLoopAsync(transport.Loops[0]); // work for a loop that sleeps
        Assert.Equal(values[TransportMetrics.WakeUps] + 1, readings.Take()[TransportMetrics.WakeUps]);
        Assert.All(readings.Tags, tags => Assert.Equal((engine == TransportKind.Epoll ? "epoll" : "io_uring", "sleep", 0), tags));
    }

    [Fact]
    public async Task Instruments_OfAThreadForEachConnection_TellTheirSum()
    {
        using var meter = new TransportMeter();
        using var readings = new MeterReadings();
        await using TestTransport transport = await new TestTransport(new BlockingTransportOptions(), meter: meter).StartAsync();

        using (Socket first = await transport.ConnectAsync())
        using (Socket second = await transport.ConnectAsync())
        {
            await EchoAsync(first);
            await EchoAsync(second);
            Assert.Equal(2, readings.Take()[TransportMetrics.Connections]);
            Assert.Equal(2 * Size, readings.Take()[$"{TransportMetrics.NetworkIo} receive"]);
        }

        await Eventually.TrueAsync(() => readings.Take()[TransportMetrics.Connections] == 0);
        using Socket third = await transport.ConnectAsync();
        await EchoAsync(third);
        Dictionary<string, double> values = readings.Take();
        Assert.Equal(3, values[TransportMetrics.AcceptedConnections]);
        Assert.Equal(3 * Size, values[$"{TransportMetrics.NetworkIo} receive"]); // what threads did that have ended counts on
        Assert.True(values[TransportMetrics.Completions] >= 2, "The third was accepted after the others had been served.");
        Assert.All(readings.Tags, tags => Assert.Equal(("blocking", "sleep", 0), tags));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task CompletionsPerEnter_IsTheRatioSinceTheLastReading(TransportKind engine)
    {
        using var meter = new TransportMeter();
        await using TestTransport transport = await Create(engine, meter).StartAsync();
        var loop = new MeteredLoop(transport.Loops[0]);
        await transport.EchoAsync(10_000);
        await Eventually.TrueAsync(() => transport.Loops[0].ConnectionCount == 0);
        await Eventually.StableAsync(() => transport.Loops[0].Iteration);
        LoopStatistics statistics = transport.Loops[0].Statistics;

        double whole = loop.TakeCompletionsPerEnter();

        Assert.Equal((double)statistics.Completions / statistics.Enters, whole);
        Assert.Equal(0, loop.TakeCompletionsPerEnter()); // nothing happened in between
    }

    [Fact]
    public async Task BufferStarvation_IsCounted()
    {
        using var meter = new TransportMeter();
        var options = new IoUringTransportOptions { LoopCount = 1, ReceiveBufferCount = 2, Fallback = IoUringFallback.Fail };
        using var readings = new MeterReadings();
        await using TestTransport transport = await new TestTransport(options, meter: meter).StartAsync();

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => transport.EchoAsync(200_000)));

        Assert.True(readings.Take()[TransportMetrics.BufferStarvations] > 0);
    }

    [Fact]
    public async Task OverflowAndLoss_AreCounted()
    {
        using var meter = new TransportMeter();
        using var readings = new MeterReadings();
        await using TestTransport transport = await Create(TransportKind.IoUring, meter).StartAsync();
        var loop = (IoUringLoop)transport.Loops[0];
        await transport.EchoAsync(1000);
        Assert.Equal(0, readings.Take()[TransportMetrics.Overflows]);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        loop.Schedule(
            _ =>
            {
                for (uint i = 0; i < loop.Ring.Parameters.CqEntries + 100; i++)
                {
                    // A cancel of something that does not exist; the loop takes no notice of its completion.
                    loop.SubmitCancel(CompletionKind.Cancel, 1 << 20);
                }

                loop.ResynchroniseOnLoop();
                done.SetResult();
            },
            null);
        await done.Task.WaitAsync(TestTransport.Limit);

        await transport.EchoAsync(1000);
        Dictionary<string, double> values = readings.Take();
        Assert.True(values[TransportMetrics.Overflows] > 0);
        Assert.Equal(1, values[TransportMetrics.Losses]);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task AcceptPauses_QueueIsFull_AreCounted(TransportKind engine)
    {
        using var readings = new MeterReadings();
        await using TransportHost host = TransportHost.Create(
            new TransportVariant(engine, 1, ApplicationScheduling.ThreadPool), new TransportSettings { Backlog = 4 });
        await using IConnectionListener listener = await host.BindAsync();
        var clients = new List<Socket>();

        for (int i = 0; i < 5; i++)
        {
            var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            clients.Add(client);
            await client.ConnectAsync(listener.EndPoint).WaitAsync(TestTransport.Limit);
        }

        await Eventually.TrueAsync(() => readings.Take()[TransportMetrics.AcceptPauses] == 1);
        Assert.True(readings.Take()[TransportMetrics.AcceptedConnections] >= 4);
        clients.ForEach(client => client.Dispose());
        await listener.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Transport_Disposed_ReportsNothing(TransportKind engine)
    {
        using var readings = new MeterReadings();
        using var meter = new TransportMeter();
        await using (TestTransport transport = await Create(engine, meter).StartAsync())
        {
            await transport.EchoAsync(1000);
            Assert.NotEmpty(readings.Take());
        }

        Assert.Empty(readings.Take());
    }

    [Fact]
    public async Task Host_WithMeterFactory_UsesItsMeterForBothTransports()
    {
        using var readings = new MeterReadings();
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseEpoll(options => options.LoopCount = 1).UseIoUring(options => options.LoopCount = 1);
        await using WebApplication application = builder.Build();
        IMeterFactory meters = application.Services.GetRequiredService<IMeterFactory>();
        TransportFactory[] factories = [.. application.Services.GetServices<IConnectionListenerFactory>().OfType<TransportFactory>()];
        Assert.Equal(2, factories.Length);
        foreach (TransportFactory factory in factories)
        {
            await using IConnectionListener listener = await factory.BindAsync(new IPEndPoint(IPAddress.Loopback, 0));
        }

        readings.Take();
        Assert.Equal(["epoll", "io_uring"], readings.Tags.Select(tags => tags.Engine).Distinct().Order());
        Assert.Same(meters.Create(TransportMetrics.MeterName), Assert.Single(readings.Meters));

        await application.DisposeAsync();
        Assert.Empty(readings.Take());
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Requests_WithoutAndWithListener_AllocateNothingForIt(TransportKind engine)
    {
        using var meter = new TransportMeter();
        await using TestTransport transport = await Create(engine, meter).StartAsync();
        EventLoop loop = transport.Loops[0];
        using Socket socket = await transport.ConnectAsync();
        for (int i = 0; i < 2000; i++)
        {
            await EchoAsync(socket);
        }

        long before = await AllocatedOnLoopAsync(loop);
        for (int i = 0; i < 1000; i++)
        {
            await EchoAsync(socket);
        }

        long without = await AllocatedOnLoopAsync(loop) - before;
        using var readings = new MeterReadings();
        before = await AllocatedOnLoopAsync(loop);
        for (int i = 0; i < 1000; i++)
        {
            await EchoAsync(socket);
        }

        // The smallest object for each echo would be 24,000 bytes more; how many segments the queues take is chance.
        long with = await AllocatedOnLoopAsync(loop) - before;
        Assert.InRange(with, 0, without + 12_000);
    }

    private static Task<long> AllocatedOnLoopAsync(EventLoop loop)
    {
        var allocated = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.Schedule(_ => allocated.SetResult(GC.GetAllocatedBytesForCurrentThread()), null);
        return allocated.Task.WaitAsync(TestTransport.Limit);
    }

    private static async Task EchoAsync(Socket socket)
    {
        byte[] bytes = new byte[Size];
        await socket.SendAsync(bytes);
        for (int left = Size; left > 0;)
        {
            int read = await socket.ReceiveAsync(bytes.AsMemory(0, left)).AsTask().WaitAsync(TestTransport.Limit);
            Assert.NotEqual(0, read);
            left -= read;
        }
    }

    private static LinuxTransportOptions Options(TransportKind engine) => engine == TransportKind.Epoll
        ? new EpollTransportOptions { LoopCount = 1 }
        : new IoUringTransportOptions { LoopCount = 1, Fallback = IoUringFallback.Fail };

    private static TestTransport Create(TransportKind engine, TransportMeter meter) => Options(engine) is IoUringTransportOptions ring
        ? new TestTransport(ring, meter: meter)
        : new TestTransport(new EpollTransportOptions { LoopCount = 1 }, meter: meter);
}
