using System.Runtime.CompilerServices;

namespace Kestrel.Rpc.Invocation.Tests;

/// <summary>A call that nobody will answer: its caller gets an error instead of waiting for ever.</summary>
public sealed class DroppedTests
{
    [Fact]
    public async Task Handler_EndsWithoutReply_CallerGetsAnError()
    {
        IInvocationHandler<int, int> forgetful = InvocationHandler.Create((Invocation<int, int> _) => { });
        await Assert.ThrowsAsync<InvocationDroppedException>(() => forgetful.InvokeAsync(1).Limited());
    }

    [Fact]
    public async Task Handler_EndsLaterWithoutReply_CallerGetsAnError()
    {
        var gate = new TaskCompletionSource();
        IInvocationHandler<int, int> forgetful = InvocationHandler.Create(async (Invocation<int, int> _) => await gate.Task);
        ValueTask<int> reply = forgetful.InvokeAsync(1);
        Assert.False(reply.IsCompleted);
        gate.SetResult();

        await Assert.ThrowsAsync<InvocationDroppedException>(() => reply.Limited());
    }

    [Fact]
    public async Task Handler_KeepsTheInvocationWithoutDefer_ItsLateReplyIsRefused()
    {
        Invocation<int, int> kept = default;
        IInvocationHandler<int, int> keeper = InvocationHandler.Create((Invocation<int, int> invocation) => kept = invocation);
        await Assert.ThrowsAsync<InvocationDroppedException>(() => keeper.InvokeAsync(1).Limited());

        Assert.Throws<InvalidOperationException>(() => kept.Reply(1));
    }

    [Fact]
    public async Task Deferred_Lost_IsFoundByTheGarbageCollector()
    {
        IInvocationHandler<int, int> loser = InvocationHandler.Create((Invocation<int, int> invocation) => Lose(invocation));
        Task<int> reply = loser.InvokeAsync(1).AsTask();

        await CollectUntilAsync(reply);
        await Assert.ThrowsAsync<InvocationDroppedException>(() => reply.Limited());
    }

    [Fact]
    public async Task AsyncFunction_WaitsForWhatNobodyHolds_IsFoundByTheGarbageCollector()
    {
        IInvocationHandler<int, int> handler = InvocationHandler.FromAsyncFunction<int, int>(
            async (argument, _) => argument + await new TaskCompletionSource<int>().Task);
        Task<int> reply = handler.InvokeAsync(1).AsTask();

        await CollectUntilAsync(reply);
        await Assert.ThrowsAsync<InvocationDroppedException>(() => reply.Limited());
    }

    [Fact]
    public async Task Received_DeferredAndLost_IsFoundByTheGarbageCollector()
    {
        var channel = new InvocationChannel<int, int>();
        Task<int> reply = channel.Client.InvokeAsync(1).AsTask();
        ReceiveAndLose(channel.Source);

        await CollectUntilAsync(reply);
        await Assert.ThrowsAsync<InvocationDroppedException>(() => reply.Limited());
    }

    [Fact]
    public async Task Source_DisposedWithCallsWaiting_CallersGetAnError()
    {
        var channel = new InvocationChannel<int, int>();
        Task<int>[] replies = [.. Enumerable.Range(0, 10).Select(index => channel.Client.InvokeAsync(index).AsTask())];
        channel.Source.Dispose();

        foreach (Task<int> reply in replies)
        {
            await Assert.ThrowsAsync<InvocationDroppedException>(() => reply.Limited());
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Lose(Invocation<int, int> invocation) => _ = invocation.Defer();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ReceiveAndLose(InvocationChannelSource<int, int> source)
    {
        Assert.True(source.TryReceive(out Invocation<int, int> invocation));
        Lose(invocation);
    }

    private static async Task CollectUntilAsync(Task task)
    {
        await TimeLimit.UntilAsync(() =>
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return task.IsCompleted;
        });
    }
}
