using System.Diagnostics.CodeAnalysis;

namespace Kestrel.Rpc.Invocation.Tests;

/// <summary>A call costs no memory in the long run.</summary>
[Collection(nameof(AllocationTests))]
[CollectionDefinition(nameof(AllocationTests), DisableParallelization = true)]
[SuppressMessage("Reliability", "CA2012", Justification = "Each is read once, when it has ended.")]
public sealed class AllocationTests
{
    // Each may be two changes of threads, and on a machine with much else to do a change takes a millisecond.
    private const int Calls = 3_000;

    private static readonly IInvocationHandler<long, long> Increment = InvocationHandler.FromFunction((long argument) => argument + 1);

    [Fact]
    public void Channel_CallsOnOneThread_AllocateNothing()
    {
        var channel = new InvocationChannel<long, long>();
        AssertNothing(() =>
        {
            ValueTask<long> reply = channel.Client.InvokeAsync(1);
            channel.Source.TryReceive(out Invocation<long, long> invocation);
            ValueTask handling = Increment.DispatchAsync(invocation);
            handling.GetAwaiter().GetResult();
            Check(2, reply.Result);
        });
    }

    [Fact]
    public void Channel_CancellableCalls_AllocateNothing()
    {
        var channel = new InvocationChannel<long, long>();
        using var cancellation = new CancellationTokenSource();
        AssertNothing(() =>
        {
            ValueTask<long> reply = channel.Client.InvokeAsync(1, cancellation.Token);
            channel.Source.TryReceive(out Invocation<long, long> invocation);
            invocation.Reply(2);
            Check(2, reply.Result);
        });
    }

    [Fact]
    public void Channel_FullAndRefused_AllocatesNothing()
    {
        var channel = new InvocationChannel<long, long>(new InvocationChannelOptions { Capacity = 2 });
        Assert.True(channel.Client.TryInvoke(1, out _));
        Assert.True(channel.Client.TryInvoke(1, out _));
        AssertNothing(() => Check(0, channel.Client.TryInvoke(1, out _) ? 1 : 0));
    }

    [Fact]
    public void Deferred_Replies_AllocateNothing()
    {
        var channel = new InvocationChannel<long, long>();
        AssertNothing(() =>
        {
            ValueTask<long> reply = channel.Client.InvokeAsync(1);
            channel.Source.TryReceive(out Invocation<long, long> invocation);
            DeferredReply<long> later = invocation.Defer();
            later.Reply(2);
            Check(2, reply.Result);
        });
    }

    [Fact]
    public void Merged_Calls_AllocateNothing()
    {
        InvocationChannel<long, long>[] channels = [new(), new(), new()];
        var merged = new MergedSource<long, long>();
        foreach (InvocationChannel<long, long> channel in channels)
        {
            merged.Add(channel.Source);
        }

        int turn = 0;
        AssertNothing(() =>
        {
            ValueTask<long> reply = channels[turn++ % 3].Client.InvokeAsync(1);
            merged.TryReceive(out Invocation<long, long> invocation);
            invocation.Reply(2);
            Check(2, reply.Result);
        });
    }

    /// <summary>Client and server sleep and wake on the thread pool: what await itself needs is there after the first calls.</summary>
    [Fact]
    public async Task Async_CallsAcrossThreads_AllocateNextToNothing()
    {
        var channel = new InvocationChannel<long, long>();
        Task serving = new InvocationServer<long, long>(channel.Source, Increment).RunAsync();
        await CallAsync(channel.Client);
        long least = long.MaxValue;
        for (int attempt = 0; attempt < 5; attempt++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            await CallAsync(channel.Client);
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        channel.Source.Complete();
        await serving.Limited();

        // A pool object now and then, when threads change: an allocation for each call would be 24 bytes at least.
        Assert.True(least < Calls * 2, $"{(double)least / Calls:0.00} bytes a call");
    }

    [Fact]
    public async Task Blocking_CallsThatSleep_AllocateNextToNothing()
    {
        var channel = new InvocationChannel<long, long>();
        Task serving = new InvocationServer<long, long>(channel.Source, Increment).RunAsync();
        long least = long.MaxValue;
        await Threads.Start(() =>
        {
            for (int attempt = 0; attempt < 5; attempt++)
            {
                long before = GC.GetTotalAllocatedBytes(precise: true);
                for (int call = 0; call < Calls; call++)
                {
                    Check(call + 1, channel.Client.Invoke(call));
                }

                least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
            }
        }).Limited();
        channel.Source.Complete();
        await serving.Limited();

        Assert.True(least < Calls * 2, $"{(double)least / Calls:0.00} bytes a call");
    }

    private static async Task CallAsync(InvocationChannelClient<long, long> client)
    {
        for (int call = 0; call < Calls; call++)
        {
            Check(call + 1, await client.InvokeAsync(call));
        }
    }

    /// <summary>Assert.Equal allocates.</summary>
    private static void Check(long expected, long actual)
    {
        if (actual != expected)
        {
            Assert.Fail($"{actual} in place of {expected}");
        }
    }

    private static void AssertNothing(Action work)
    {
        for (int call = 0; call < 300; call++)
        {
            work();
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int call = 0; call < 300; call++)
        {
            work();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
