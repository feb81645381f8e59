namespace Kestrel.Rpc.Invocation.Tests;

/// <summary>Handlers made of delegates, put together, and called without any source.</summary>
public sealed class HandlerTests
{
    private static readonly IInvocationHandler<int, int> Increment = InvocationHandler.FromFunction((int argument) => argument + 1);

    [Fact]
    public async Task Invoke_Function_GivesItsResult() => Assert.Equal(2, await Increment.InvokeAsync(1).Limited());

    [Fact]
    public async Task Invoke_AsyncFunction_GivesItsResult()
    {
        IInvocationHandler<int, int> handler = InvocationHandler.FromAsyncFunction<int, int>(async (argument, _) =>
        {
            await Task.Yield();
            return argument * 2;
        });
        Assert.Equal(6, await handler.InvokeAsync(3).Limited());
    }

    [Fact]
    public async Task Invoke_HandlerThrows_CallerGetsIt()
    {
        IInvocationHandler<int, int> now = InvocationHandler.FromFunction<int, int>(_ => throw new IOException("now"));
        IInvocationHandler<int, int> later = InvocationHandler.FromAsyncFunction<int, int>(async (_, _) =>
        {
            await Task.Yield();
            throw new IOException("later");
        });

        Assert.Equal("now", (await Assert.ThrowsAsync<IOException>(() => now.InvokeAsync(1).Limited())).Message);
        Assert.Equal("later", (await Assert.ThrowsAsync<IOException>(() => later.InvokeAsync(1).Limited())).Message);
    }

    [Fact]
    public async Task Invoke_ClassAsHandler_Works() => Assert.Equal("int 5", await new Describing().InvokeAsync(5).Limited());

    [Fact]
    public async Task Around_SeesTheCallBeforeAndAfter()
    {
        List<string> seen = [];
        IInvocationHandler<int, int> handler = Increment.Around(async (invocation, inner) =>
        {
            seen.Add($"before {invocation.Argument}");
            await inner.HandleAsync(invocation);
            seen.Add($"after, open: {invocation.IsOpen}");
        });

        Assert.Equal(8, await handler.InvokeAsync(7).Limited());
        await TimeLimit.UntilAsync(() => seen.Count == 2);
        Assert.Equal(["before 7", "after, open: False"], seen);
    }

    [Fact]
    public async Task Around_RepliesItself_InnerIsNotCalled()
    {
        IInvocationHandler<int, int> handler = Increment.Around((invocation, inner) =>
        {
            if (invocation.Argument < 0)
            {
                invocation.Fail(new ArgumentOutOfRangeException(nameof(invocation)));
                return default;
            }

            return inner.HandleAsync(invocation);
        });

        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => handler.InvokeAsync(-1).Limited());
        Assert.Equal(1, await handler.InvokeAsync(0).Limited());
    }

    [Fact]
    public async Task Around_InnerThrows_SeesItAndMayAnswer()
    {
        IInvocationHandler<int, int> failing = InvocationHandler.FromAsyncFunction<int, int>(async (_, _) =>
        {
            await Task.Yield();
            throw new IOException("broken");
        });
        IInvocationHandler<int, int> handler = failing.Around(async (invocation, inner) =>
        {
            try
            {
                await inner.HandleAsync(invocation);
            }
            catch (IOException)
            {
                invocation.Reply(-1);
            }
        });

        Assert.Equal(-1, await handler.InvokeAsync(1).Limited());
    }

    [Fact]
    public async Task Route_ChoosesByArgument()
    {
        IInvocationHandler<int, int> negate = InvocationHandler.FromFunction((int argument) => -argument);
        IInvocationHandler<int, int> routed = InvocationHandler.Route<int, int>(argument => argument switch
        {
            < 10 => Increment,
            < 20 => negate,
            _ => null,
        });

        Assert.Equal(2, await routed.InvokeAsync(1).Limited());
        Assert.Equal(-12, await routed.InvokeAsync(12).Limited());
        await Assert.ThrowsAsync<InvocationRejectedException>(() => routed.InvokeAsync(20).Limited());
    }

    [Fact]
    public async Task Invoke_Cancelled_CallerLeavesAndHandlerIsTold()
    {
        using var cancellation = new CancellationTokenSource();
        var told = new TaskCompletionSource();
        DeferredReply<int> reply = default;
        IInvocationHandler<int, int> handler = InvocationHandler.Create((Invocation<int, int> invocation) =>
        {
            reply = invocation.Defer();
            reply.CancellationToken.Register(told.SetResult);
        });
        Task<int> call = handler.InvokeAsync(1, cancellation.Token).AsTask();
        Assert.False(call.IsCompleted);
        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.Limited());
        await told.Task.Limited();
        reply.Reply(1); // the first and only reply: no error, though nobody reads it
        Assert.False(reply.TryReply(2));
    }

    [Fact]
    public async Task Dispatch_HandlerThrowsAfterItsReply_IsReported()
    {
        List<Exception> faults = [];
        List<InvocationResult<int>> replies = [];
        IInvocationHandler<int, int> handler = InvocationHandler.Create((Invocation<int, int> invocation) =>
        {
            invocation.Reply(1);
            throw new IOException("too late");
        });
        await handler.DispatchAsync(new Invocation<int, int>(1, replies.Add), faults.Add).Limited();

        Assert.Equal(1, Assert.Single(replies).Value);
        Assert.Equal("too late", Assert.Single(faults).Message);
    }

    [Fact]
    public async Task Dispatch_CallbackThrowsAtTheError_IsReported()
    {
        List<Exception> faults = [];
        IInvocationHandler<int, int> forgetful = InvocationHandler.Create((Invocation<int, int> _) => { });
        await forgetful.DispatchAsync(new Invocation<int, int>(1, _ => throw new IOException("callback")), faults.Add).Limited();

        Assert.Equal("callback", Assert.Single(faults).Message);
    }

    private sealed class Describing : IInvocationHandler<int, string>
    {
        public ValueTask HandleAsync(Invocation<int, string> invocation)
        {
            invocation.Reply($"int {invocation.Argument}");
            return default;
        }
    }
}
