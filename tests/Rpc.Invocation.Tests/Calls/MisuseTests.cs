using System.Diagnostics.CodeAnalysis;

namespace Kestrel.Rpc.Invocation.Tests;

/// <summary>What programs do wrong hits themselves and no other call, although the objects behind calls are used again and again.</summary>
[SuppressMessage("Reliability", "CA2012", Justification = "Misuse is what is tested.")]
[SuppressMessage("Usage", "xUnit1031", Justification = "As above.")]
public sealed class MisuseTests
{
    private static readonly IInvocationHandler<int, int> Increment = InvocationHandler.FromFunction((int argument) => argument + 1);

    [Fact]
    public async Task Reply_StaleInvocationOfAReusedCall_IsRefused()
    {
        var channel = new InvocationChannel<int, int>();
        List<Invocation<int, int>> stale = [];
        for (int call = 0; call < 1000; call++)
        {
            Task<int> reply = channel.Client.InvokeAsync(call).AsTask();
            Assert.True(channel.Source.TryReceive(out Invocation<int, int> invocation));
            foreach (Invocation<int, int> old in stale.TakeLast(20))
            {
                Assert.False(old.TryReply(-1));
                Assert.False(old.TryFail(new IOException()));
                Assert.True(old.CancellationToken.IsCancellationRequested);
            }

            invocation.Reply(call);
            stale.Add(invocation);
            Assert.Equal(call, await reply.Limited());
        }
    }

    [Fact]
    public async Task Await_SecondTime_FailsAndOtherCallsGoOn()
    {
        ValueTask<int> first = Increment.InvokeAsync(1);
        Assert.Equal(2, await first);

        Assert.Throws<InvalidOperationException>(() => first.GetAwaiter().GetResult());
        ValueTask<int> other = Increment.InvokeAsync(10); // the same object, very likely
        Assert.Throws<InvalidOperationException>(() => first.GetAwaiter().GetResult());
        Assert.Equal(11, await other.Limited());
    }

    [Fact]
    public async Task Result_BeforeTheReply_FailsAndTheCallGoesOn()
    {
        var channel = new InvocationChannel<int, int>();
        ValueTask<int> reply = channel.Client.InvokeAsync(1);
        Assert.Throws<InvalidOperationException>(() => reply.GetAwaiter().GetResult());
        Assert.True(channel.Source.TryReceive(out Invocation<int, int> invocation));
        invocation.Reply(5);

        Assert.Equal(5, await reply.Limited());
    }

    [Fact]
    public async Task Result_ReadByTwoAtOnce_OneGetsItAndNoOtherCallIsHurt()
    {
        const int Rounds = 5000;
        ValueTask<int>[] replies = [.. Enumerable.Range(0, Rounds).Select(round => Increment.InvokeAsync(round))];
        int read = 0;
        await Threads.RaceAsync(Rounds, (round, _) =>
        {
            try
            {
                Assert.Equal(round + 1, replies[round].GetAwaiter().GetResult());
                Interlocked.Increment(ref read);
            }
            catch (InvalidOperationException)
            {
                // The other one has got it.
            }
        }).Limited();
        Assert.Equal(Rounds, read);

        // A call object given back twice would serve two calls at once.
        var channel = new InvocationChannel<int, int>();
        for (int turn = 0; turn < 10; turn++)
        {
            ValueTask<int>[] calls = [.. Enumerable.Range(0, 1000).Select(call => channel.Client.InvokeAsync(call))];
            while (channel.Source.TryReceive(out Invocation<int, int> invocation))
            {
                invocation.Reply(invocation.Argument);
            }

            for (int call = 0; call < calls.Length; call++)
            {
                Assert.Equal(call, await calls[call].Limited());
            }
        }
    }

    [Fact]
    public async Task Cancel_RacesWithReply_EveryCallEndsOnceAndTheNextIsWhole()
    {
        var channel = new InvocationChannel<int, int>();
        Task server = new InvocationServer<int, int>(channel.Source, Increment).RunAsync();
        int cancelled = 0;
        for (int call = 0; call < 3000; call++)
        {
            using var cancellation = new CancellationTokenSource();
            Task<int> reply = channel.Client.InvokeAsync(call, cancellation.Token).AsTask();
            Task cancel = Task.Run(cancellation.Cancel);
            try
            {
                Assert.Equal(call + 1, await reply.Limited());
            }
            catch (OperationCanceledException)
            {
                cancelled++;
            }

            await cancel.Limited();
        }

        Assert.InRange(cancelled, 0, 3000);
        Assert.Equal(1, await channel.Client.InvokeAsync(0).Limited());
        channel.Source.Complete();
        await server.Limited();
    }

    [Fact]
    public void Target_ArmedTwice_Throws()
    {
        var target = new Target();
        Assert.NotEqual(0, target.Arm());
        Assert.Throws<InvalidOperationException>(() => target.Arm());
    }

    private sealed class Target : ReplyTarget<int>
    {
        public new long Arm() => base.Arm();

        protected override void OnReply(in InvocationResult<int> result)
        {
        }
    }
}
