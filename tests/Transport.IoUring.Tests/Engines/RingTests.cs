using Kestrel.Rpc.Transport.Native;
using static Kestrel.Rpc.Transport.Native.IoUringConstants;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>The ring itself, used by the thread of the test.</summary>
public sealed class RingTests
{
    private const uint Base = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_SUBMIT_ALL;

    [Fact]
    public void Create_OnRunningKernel_TakesTheBestFlags()
    {
        using Ring ring = RingSetup.Create(new RingRequest());

        uint best = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
        Assert.Equal(best, ring.Parameters.Flags & best);
        if (Environment.OSVersion.Version >= new Version(6, 6))
        {
            Assert.NotEqual(0u, ring.Parameters.Flags & IORING_SETUP_NO_SQARRAY);
        }
    }

    [Theory]
    [InlineData(Base | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)]
    [InlineData(Base | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN)]
    [InlineData(Base | IORING_SETUP_COOP_TASKRUN)]
    [InlineData(Base)]
    [InlineData(uint.MaxValue)]
    public void Enter_AtEveryStepDown_CompletesRequests(uint allowed)
    {
        using Ring ring = RingSetup.Create(new RingRequest { AllowedFlags = allowed });

        Add(ring, 1, 2, 3);

        Assert.Equal([1UL, 2UL, 3UL], Harvest(ring, 3));
        Assert.Equal(0u, ring.Parameters.Flags & ~allowed);
    }

    [Fact]
    public void Create_WithoutNecessaryFlags_SaysTheKernelIsTooOld()
    {
        var error = Assert.Throws<PlatformNotSupportedException>(() => RingSetup.Create(new RingRequest { AllowedFlags = 0 }));

        Assert.Contains("too old", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Add_MoreThanTheQueueHolds_LosesNothingAndKeepsTheOrder()
    {
        using Ring ring = RingSetup.Create(new RingRequest());
        ulong[] all = [.. Enumerable.Range(1, 3000).Select(i => (ulong)i)];

        Add(ring, all);

        Assert.Equal(all, Harvest(ring, all.Length));
    }

    [Fact]
    public void Completions_MoreThanTheQueueHolds_AllArrive()
    {
        using Ring ring = RingSetup.Create(new RingRequest());
        int count = (int)ring.Parameters.CqEntries + 3000;
        ulong[] all = [.. Enumerable.Range(1, count).Select(i => (ulong)i)];

        Add(ring, all); // nothing is harvested meanwhile: the kernel has to keep the surplus

        Assert.Equal(all, Harvest(ring, count).Order());
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
        for (int turns = 0; seen.Count < count && turns < 1000; turns++)
        {
            int result = ring.Enter(wait: true);
            Assert.True(result is 0 or -Errno.EBUSY or -Errno.EAGAIN, $"enter: {result}");
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
