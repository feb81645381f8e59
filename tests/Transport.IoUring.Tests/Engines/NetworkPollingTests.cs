using Kestrel.Rpc.Transport.Native;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>NAPI busy polling: the kernel has it from 6.9 on and tells what it was told; before that it refuses.</summary>
public sealed class NetworkPollingTests
{
    private static readonly bool KernelHasIt = Environment.OSVersion.Version >= new Version(6, 9);

    public static TheoryData<TransportKind> Engines => [TransportKind.Epoll, TransportKind.IoUring];

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Start_Asked_SaysWhetherItIsInForce(TransportKind engine)
    {
        await using TestTransport transport = await StartAsync(engine);
        await transport.EchoAsync(10_000);

        bool inForce = transport.Log.Any(entry => entry.Id == 100 && entry.Text.Contains("mode: sleep+napi;", StringComparison.Ordinal));
        bool refused = transport.Log.Any(entry => entry.Id == 131 && entry.Level == LogLevel.Warning);
        Assert.NotEqual(inForce, refused);
        Assert.True(inForce || !KernelHasIt || Environment.GetEnvironmentVariable("CI") != "true", "Kernels from 6.9 on have it, unless built without.");
    }

    [Fact]
    public async Task IoUring_InForce_KernelKnowsTheTime()
    {
        await using TestTransport transport = await StartAsync(TransportKind.IoUring);
        var loop = (IoUringLoop)transport.Loops[0];
        Skip(loop);
        var told = new TaskCompletionSource<IoUringNapi>(TaskCreationOptions.RunContinuationsAsynchronously);

        loop.Schedule(_ => told.SetResult(Unregister(loop.Ring)), null);

        Assert.Equal(50u, (await told.Task.WaitAsync(TestTransport.Limit)).BusyPollTo);
    }

    [Fact]
    public async Task Epoll_InForce_KernelKnowsTheTime()
    {
        await using TestTransport transport = await StartAsync(TransportKind.Epoll);
        var loop = (EpollLoop)transport.Loops[0];
        Skip(loop);

        EpollParams parameters = Read(loop.Descriptor);

        Assert.Equal(50u, parameters.BusyPollUsecs);
        Assert.NotEqual(0, parameters.BusyPollBudget);
        Assert.Equal(0, parameters.PreferBusyPoll);
    }

    private static unsafe EpollParams Read(int epoll)
    {
        EpollParams parameters;
        Assert.Equal(0, Libc.Ioctl(epoll, Libc.EPIOCGPARAMS, &parameters));
        return parameters;
    }

    private static unsafe IoUringNapi Unregister(Ring ring)
    {
        IoUringNapi napi;
        Assert.Equal(0, Libc.IoUringRegister(ring.Descriptor, IoUringConstants.IORING_UNREGISTER_NAPI, &napi, 1));
        return napi;
    }

    private static Task<TestTransport> StartAsync(TransportKind engine)
    {
        LinuxTransportOptions options = engine == TransportKind.Epoll
            ? new EpollTransportOptions()
            : new IoUringTransportOptions { Fallback = IoUringFallback.Fail };
        options.LoopCount = 1;
        options.Polling.NapiBusyPollTime = TimeSpan.FromMicroseconds(50);
        return options is IoUringTransportOptions ring
            ? new TestTransport(ring).StartAsync()
            : new TestTransport((EpollTransportOptions)options).StartAsync();
    }

    private static void Skip(EventLoop loop)
    {
        if (!loop.Mode!.Wait.Contains("napi", StringComparison.Ordinal) && Environment.GetEnvironmentVariable("CI") != "true")
        {
            Assert.Skip("This kernel does not poll network cards (before Linux 6.9, or built without it).");
        }

        Assert.Contains("napi", loop.Mode.Wait, StringComparison.Ordinal);
    }
}
