namespace Kestrel.Rpc.Invocation.Tests;

/// <summary>An argument and a callback that takes exactly one reply.</summary>
public sealed class InvocationTests
{
    private readonly List<InvocationResult<string>> _replies = [];

    private Invocation<int, string> Create(int argument = 1) => new(argument, _replies.Add);

    [Fact]
    public void Reply_Delegate_GetsIt()
    {
        Invocation<int, string> invocation = Create(7);

        Assert.Equal(7, invocation.Argument);
        Assert.True(invocation.IsOpen);
        invocation.Reply("seven");

        Assert.Equal("seven", Assert.Single(_replies).Value);
        Assert.False(invocation.IsOpen);
    }

    [Fact]
    public void Reply_SecondTime_FailsAtTheReplierAndNotTheCaller()
    {
        Invocation<int, string> invocation = Create();
        Invocation<int, string> copy = invocation;
        invocation.Reply("first");

        Assert.Throws<InvalidOperationException>(() => invocation.Reply("second"));
        Assert.Throws<InvalidOperationException>(() => copy.Fail(new IOException()));
        Assert.False(copy.TryReply("third"));
        Assert.False(copy.TryFail(new IOException()));
        Assert.Throws<InvalidOperationException>(() => copy.Defer());
        Assert.Throws<InvalidOperationException>(() => copy.Forward());

        Assert.Equal("first", Assert.Single(_replies).Value);
    }

    [Fact]
    public void Fail_Delegate_GetsTheError()
    {
        var error = new IOException("no disk");
        Create().Fail(error);

        InvocationResult<string> reply = Assert.Single(_replies);
        Assert.Same(error, reply.Error);
        Assert.Same(error, Assert.Throws<IOException>(() => reply.Value));
    }

    [Fact]
    public async Task Reply_FromManyThreadsAtOnce_OneIsTaken()
    {
        const int Rounds = 20_000;
        int replies = 0;
        int taken = 0;
        Invocation<int, int>[] calls = [.. Enumerable.Range(0, Rounds).Select(round => new Invocation<int, int>(round, _ => Interlocked.Increment(ref replies)))];
        await Threads.RaceAsync(Rounds, (round, thread) =>
        {
            if (calls[round].TryReply(thread))
            {
                Interlocked.Increment(ref taken);
            }
        }).Limited();

        Assert.Equal((Rounds, Rounds), (taken, replies));
    }

    [Fact]
    public async Task Defer_ReplyLaterFromAnotherThread_ReachesTheCaller()
    {
        DeferredReply<string> later = Create().Defer();
        Assert.Empty(_replies);

        await Task.Run(() => later.Reply("later")).Limited();

        Assert.Equal("later", Assert.Single(_replies).Value);
        Assert.Throws<InvalidOperationException>(() => later.Reply("again"));
        later.Dispose();
        Assert.Single(_replies);
    }

    [Fact]
    public void Defer_OriginalInvocation_CanReplyNoMore()
    {
        Invocation<int, string> invocation = Create();
        DeferredReply<string> later = invocation.Defer();

        Assert.False(invocation.IsOpen);
        Assert.False(invocation.TryReply("early"));
        Assert.True(later.IsOpen);
        Assert.True(later.TryReply("late"));
        Assert.Equal("late", Assert.Single(_replies).Value);
    }

    [Fact]
    public void Defer_Disposed_GivesTheCallerAnError()
    {
        Create().Defer().Dispose();

        Assert.IsType<InvocationDroppedException>(Assert.Single(_replies).Error);
    }

    [Fact]
    public void Forward_GivesTheRightToReplyAway()
    {
        Invocation<int, string> invocation = Create(3);
        Invocation<int, string> forwarded = invocation.Forward();

        Assert.False(invocation.TryReply("mine"));
        Assert.Equal(3, forwarded.Argument);
        forwarded.Reply("theirs");
        Assert.Equal("theirs", Assert.Single(_replies).Value);
    }

    [Fact]
    public void Callback_Throws_ReplierGetsItAndItWasTheReply()
    {
        int calls = 0;
        var invocation = new Invocation<int, int>(1, _ =>
        {
            calls++;
            throw new IOException("the callback's own");
        });

        Assert.Throws<IOException>(() => invocation.Reply(1));
        Assert.False(invocation.TryReply(2));
        Assert.Equal(1, calls);
    }

    [Fact]
    public void Default_HasNobodyToReplyTo()
    {
        Invocation<int, int> nothing = default;

        Assert.False(nothing.IsOpen);
        Assert.True(nothing.CancellationToken.IsCancellationRequested);
        Assert.Throws<InvalidOperationException>(() => nothing.Reply(1));
        Assert.False(default(DeferredReply<int>).TryReply(1));
        default(DeferredReply<int>).Dispose();
    }
}
