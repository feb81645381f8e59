using Kestrel.Rpc.Transport.Native;
using Microsoft.Extensions.Logging;
using static Kestrel.Rpc.Transport.Native.IoUringConstants;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>Rings whose requests a kernel thread takes.</summary>
[Collection(MeasuringGroup.Name)]
public sealed class SubmissionPollingTests
{
    private static readonly RingRequest Polled = new() { SubmissionPolling = TimeSpan.FromMilliseconds(5) };

    [Fact]
    public void Create_Asked_HasTheKernelThread()
    {
        using Ring ring = RingSetup.Create(Polled with { SubmissionProcessor = Processors.Allowed()[^1] });

        uint expected = IORING_SETUP_SQPOLL | IORING_SETUP_SQ_AFF | IORING_SETUP_SINGLE_ISSUER;
        Assert.Equal(expected, ring.Parameters.Flags & (expected | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN));
        Assert.Equal(5u, ring.Parameters.SqThreadIdle);
        Assert.Equal((uint)Processors.Allowed()[^1], ring.Parameters.SqThreadCpu);
    }

    [Fact]
    public async Task Enter_KernelThreadSleeps_WakesIt()
    {
        // Everything of the ring on one thread: it belongs to its creator.
        await Task.Factory.StartNew(
            () =>
            {
                using Ring ring = RingSetup.Create(Polled);
                for (ulong i = 1; i <= 3; i++)
                {
                    Assert.True(SpinWait.SpinUntil(() => ring.IsSubmissionThreadAsleep, TestTransport.Limit));
                    Add(ring, i);
                    Assert.Equal([i], Harvest(ring, 1));
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default).WaitAsync(2 * TestTransport.Limit);
    }

    [Fact]
    public void Add_MoreThanTheQueueHolds_LosesNothingAndKeepsTheOrder()
    {
        using Ring ring = RingSetup.Create(Polled);
        ulong[] all = [.. Enumerable.Range(1, 3000).Select(i => (ulong)i)];

        Add(ring, all);

        Assert.Equal(all, Harvest(ring, all.Length));
    }

    [Fact]
    public void Completions_MoreThanTheQueueHolds_AllArrive()
    {
        using Ring ring = RingSetup.Create(Polled);
        int count = (int)ring.Parameters.CqEntries + 3000;
        ulong[] all = [.. Enumerable.Range(1, count).Select(i => (ulong)i)];

        Add(ring, all);

        Assert.Equal(all, Harvest(ring, count).Order());
    }

    [Fact]
    public async Task Start_Asked_LogNamesTheMode()
    {
        await using TestTransport transport = await new TestTransport(Options(IoUringFallback.Fail)).StartAsync();

        Assert.Contains(transport.Log, entry => entry.Id == 100 && entry.Text.Contains("mode: sleep+sqpoll;", StringComparison.Ordinal));
        Assert.True(((IoUringLoop)transport.Loops[0]).Ring.IsSubmissionPolled);
        Assert.DoesNotContain(transport.Log, entry => entry.Level >= LogLevel.Warning);
    }

    [Fact]
    public async Task Start_Refused_WarnsAndServesWithoutIt()
    {
        IoUringTransportOptions options = Options(IoUringFallback.Epoll);
        options.AllowedRingFlags = ~IORING_SETUP_SQPOLL;

        await using TestTransport transport = await new TestTransport(options).StartAsync();
        await transport.EchoAsync(10_000);

        (LogLevel Level, int Id, string Text) warning = Assert.Single(transport.Log, entry => entry.Level >= LogLevel.Warning);
        Assert.Equal(130, warning.Id);
        Assert.Contains(transport.Log, entry =>
            entry.Id == 100 && entry.Text.Contains("io_uring", StringComparison.Ordinal) && entry.Text.Contains("mode: sleep;", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Start_RefusedAndMustNotBe_Throws()
    {
        IoUringTransportOptions options = Options(IoUringFallback.Fail);
        options.AllowedRingFlags = ~IORING_SETUP_SQPOLL;
        await using var transport = new TestTransport(options);

        var error = await Assert.ThrowsAsync<PlatformNotSupportedException>(() => transport.StartAsync());

        Assert.Contains("polls the submission queue", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_NoIoUringAtAll_SaysThatEpollHasNone()
    {
        IoUringTransportOptions options = Options(IoUringFallback.Epoll);
        options.AllowedRingFlags = 0;

        await using TestTransport transport = await new TestTransport(options).StartAsync();
        await transport.EchoAsync(10_000);

        Assert.Equal([101, 132], transport.Log.Where(entry => entry.Level >= LogLevel.Warning).Select(entry => entry.Id));
        Assert.Contains(transport.Log, entry => entry.Id == 100 && entry.Text.Contains("mode: sleep;", StringComparison.Ordinal));
    }

    private static IoUringTransportOptions Options(IoUringFallback fallback)
    {
        var options = new IoUringTransportOptions { LoopCount = 1, Fallback = fallback };
        options.SubmissionPolling.Enabled = true;
        options.SubmissionPolling.IdleTime = TimeSpan.FromMilliseconds(5);
        return options;
    }

    private static void Add(Ring ring, params ulong[] userData)
    {
        foreach (ulong data in userData)
        {
            // A cancel of something that does not exist completes at once, with ENOENT.
            ring.Add(new IoUringSqe { Opcode = IORING_OP_ASYNC_CANCEL, Fd = -1, Addr = ulong.MaxValue, UserData = data });
        }
    }

    private static List<ulong> Harvest(Ring ring, int count)
    {
        var seen = new List<ulong>();
        for (int turns = 0; seen.Count < count && turns < 10_000; turns++)
        {
            int result = ring.Enter(wait: true);
            Assert.True(result is 0 or -Errno.EBUSY or -Errno.EAGAIN or -Errno.EINTR, $"enter: {result}");
            uint taken = 0;
            while (ring.TryPeek(taken, out IoUringCqe completion))
            {
                Assert.Equal(-Errno.ENOENT, completion.Result);
                seen.Add(completion.UserData);
                taken++;
            }

            ring.Advance(taken);
        }

        return seen;
    }
}
