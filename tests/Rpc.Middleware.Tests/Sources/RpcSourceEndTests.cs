using Hello;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Invocation;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>What becomes of calls in a source that is full, ended, not served; of callers that give up; of replies that are given wrongly.</summary>
public sealed class RpcSourceEndTests
{
    private const int CallCancelled = 33; // of the log

    [Fact]
    public async Task Full_RejectsWhenFull_RefusesWhatFindsNoRoomAsNotProcessed()
    {
        await using SourceServer server = await SourceServer.StartAsync(new RpcSourceOptions { Capacity = 2, RejectsWhenFull = true });
        Task<HelloReply>[] calls = [server.CallAsync("0"), server.CallAsync("1")];
        await server.WaitForCountAsync(2);

        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => server.CallAsync("2").InTime());

        Assert.Equal((RpcStatusCode.ResourceExhausted, true), (refused.StatusCode, refused.IsNotProcessed));
        await AnswerAsync(server, 2);
        await Task.WhenAll(calls).InTime();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Full_ByDefault_CallsWaitForRoomAndAllAreAnswered(int version)
    {
        await using SourceServer server = await SourceServer.StartAsync(new RpcSourceOptions { Capacity = 2 }, version);
        Task<HelloReply>[] calls = [.. Enumerable.Range(0, 20).Select(i => server.CallAsync($"{i}"))];
        await server.WaitForCountAsync(2);

        await AnswerAsync(server, 20);

        HelloReply[] replies = await Task.WhenAll(calls).InTime();
        Assert.Equal(Enumerable.Range(0, 20).Select(i => $"{i}"), replies.Select(reply => reply.Msg));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Caller_GivesUpWhileTheCallWaits_NobodyReceivesIt(bool byDeadline)
    {
        ManualTime time = new();
        await using SourceServer server = await SourceServer.StartAsync(time: time);
        using CancellationTokenSource cancellation = new();
        Task<HelloReply> call = server.CallAsync(
            "given up", byDeadline ? new() { Timeout = TimeSpan.FromMinutes(1) } : new() { CancellationToken = cancellation.Token });
        await server.WaitForCountAsync(1);
        time.Advance(TimeSpan.FromMinutes(2));
        await cancellation.CancelAsync();
        Exception failed = await Assert.ThrowsAnyAsync<Exception>(() => call.InTime());
        Assert.True(byDeadline ? failed is RpcException { StatusCode: RpcStatusCode.DeadlineExceeded } : failed is OperationCanceledException);
        _ = await server.Server.Logs.WaitForAsync(CallCancelled);

        Task<HelloReply> next = server.CallAsync("next");
        Invocation<HelloRequest, HelloReply> received = await server.ReceiveAsync();

        Assert.Equal("next", received.Argument.Msg);
        received.Reply(new HelloReply { Msg = "answered" });
        Assert.Equal("answered", (await next.InTime()).Msg);
    }

    [Fact]
    public async Task Caller_GivesUpWhileFull_LeavesItsPlaceToOthers()
    {
        TaskCompletionSource waiting = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using SourceServer server = await SourceServer.StartAsync(
            new RpcSourceOptions { Capacity = 2 },
            app: app => app.UseRpc(rpc => rpc.Use((call, next) =>
            {
                ValueTask running = next(call);
                if (((HelloRequest)call.Request).Msg == "late")
                {
                    waiting.SetResult();
                }

                return running;
            })));
        Task<HelloReply>[] inside = [server.CallAsync("0"), server.CallAsync("1")];
        await server.WaitForCountAsync(2);
        using CancellationTokenSource cancellation = new();
        Task<HelloReply> late = server.CallAsync("late", new() { CancellationToken = cancellation.Token });
        await waiting.Task.InTime();
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => late.InTime());
        _ = await server.Server.Logs.WaitForAsync(CallCancelled);
        Task<HelloReply> waits = server.CallAsync("2");

        await AnswerAsync(server, 3);

        Assert.Equal(["0", "1", "2"], (await Task.WhenAll([.. inside, waits]).InTime()).Select(reply => reply.Msg));
    }

    [Fact]
    public async Task Caller_GivesUpAfterReceipt_TokenTellsAndTheLateReplyIsReadByNobody()
    {
        await using SourceServer server = await SourceServer.StartAsync();
        using CancellationTokenSource cancellation = new();
        Task<HelloReply> call = server.CallAsync("slow", new() { CancellationToken = cancellation.Token });
        Invocation<HelloRequest, HelloReply> invocation = await server.ReceiveAsync();
        TaskCompletionSource told = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using CancellationTokenRegistration registration = invocation.CancellationToken.Register(told.SetResult);

        await cancellation.CancelAsync();
        await told.Task.InTime();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.InTime());
        _ = await server.Server.Logs.WaitForAsync(CallCancelled);
        invocation.Reply(new HelloReply { Msg = "late" });

        Task<HelloReply> next = server.CallAsync("next");
        await AnswerAsync(server, 1);
        Assert.Equal("next", (await next.InTime()).Msg);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Client_IsGone_ItsCallsEndAndNothingIsLeft(int version)
    {
        await using SourceServer server = await SourceServer.StartAsync();
        await server.Client.DisposeAsync();
        RawPeer peer = await server.Server.ConnectAsync(); // nothing of it is under way when it goes, so it sends RST and no FIN before
        await peer.SendAsync(version == 1 ? Golden.Request : Version2Frames.Hello(1));
        Invocation<HelloRequest, HelloReply> invocation = await server.ReceiveAsync();
        await peer.SendAsync(version == 1 ? Golden.Request : Version2Frames.Hello(2));
        await server.WaitForCountAsync(1);

        peer.Reset();

        await server.Server.ExpectNothingLeftAsync();
        Assert.True(invocation.CancellationToken.IsCancellationRequested);
        Assert.True(invocation.TryReply(new HelloReply()));
        Assert.False(server.Source.TryReceive(out _));
    }

    [Fact]
    public async Task Reply_Twice_IsRefusedAtTheReplierAndTheCallerGetsTheFirst()
    {
        await using SourceServer server = await SourceServer.StartAsync();
        Task<HelloReply> call = server.CallAsync("world");
        Invocation<HelloRequest, HelloReply> invocation = await server.ReceiveAsync();

        invocation.Reply(new HelloReply { Msg = "first" });

        Assert.Throws<InvalidOperationException>(() => invocation.Reply(new HelloReply { Msg = "second" }));
        Assert.False(invocation.TryFail(new RpcException(RpcStatusCode.Aborted, "third")));
        Assert.Equal("first", (await call.InTime()).Msg);
    }

    [Fact]
    public async Task Fail_WithAStatus_IsWhatTheCallerGets()
    {
        await using SourceServer server = await SourceServer.StartAsync();
        Task<HelloReply> call = server.CallAsync("world");

        (await server.ReceiveAsync()).Fail(new RpcException(RpcStatusCode.NotFound, "nobody"));

        RpcException failed = await Assert.ThrowsAsync<RpcException>(() => call.InTime());
        Assert.Equal((RpcStatusCode.NotFound, "nobody", false), (failed.StatusCode, failed.Status.Message, failed.IsNotProcessed));
    }

    [Fact]
    public async Task Deferred_Lost_IsAnErrorOfItsCall()
    {
        await using SourceServer server = await SourceServer.StartAsync();
        Task<HelloReply> call = server.CallAsync("world");
        Lose(await server.ReceiveAsync());

        using CancellationTokenSource patience = new(TimeLimits.Limit);
        while (!call.IsCompleted && !patience.IsCancellationRequested)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await Task.Yield();
        }

        RpcException failed = await Assert.ThrowsAsync<RpcException>(() => call.InTime());
        Assert.False(failed.IsNotProcessed);
    }

    [Fact]
    public async Task Handler_OfAServerForgetsItsCall_IsAnErrorOfTheCall()
    {
        await using SourceServer server = await SourceServer.StartAsync();
        Task serving = new InvocationServer<HelloRequest, HelloReply>(
            server.Source, InvocationHandler.Create((Invocation<HelloRequest, HelloReply> _) => { })).RunAsync();

        RpcException failed = await Assert.ThrowsAsync<RpcException>(() => server.CallAsync("world").InTime());

        Assert.Equal(RpcStatusCode.Internal, failed.StatusCode);
        server.Source.Complete();
        await serving.InTime();
    }

    [Fact]
    public async Task Source_Completed_RefusesNewCallsAndThoseThatWaitForRoom()
    {
        await using SourceServer server = await SourceServer.StartAsync(new RpcSourceOptions { Capacity = 2 });
        Task<HelloReply>[] inside = [server.CallAsync("0"), server.CallAsync("1")];
        await server.WaitForCountAsync(2);
        Task<HelloReply> waiting = server.CallAsync("waits");

        server.Source.Complete();

        foreach (Task<HelloReply> refused in new[] { waiting, server.CallAsync("new") })
        {
            RpcException failed = await Assert.ThrowsAsync<RpcException>(() => refused.InTime());
            Assert.Equal((RpcStatusCode.Unavailable, true), (failed.StatusCode, failed.IsNotProcessed));
        }

        await AnswerAsync(server, 2);
        await Task.WhenAll(inside).InTime();
        Assert.True(server.Source.IsCompleted);
    }

    [Fact]
    public async Task Source_Disposed_CallsThatWaitFail()
    {
        await using SourceServer server = await SourceServer.StartAsync();
        Task<HelloReply> call = server.CallAsync("world");
        await server.WaitForCountAsync(1);

        server.Source.Dispose();

        RpcException failed = await Assert.ThrowsAsync<RpcException>(() => call.InTime());
        Assert.Equal(RpcStatusCode.Unavailable, failed.StatusCode);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Host_StopsWhileCallsWait_TheyAreServedBeforeItHasStopped(int version)
    {
        await using SourceServer server = await SourceServer.StartAsync(version: version);
        Task<HelloReply> call = server.CallAsync("world");
        await server.WaitForCountAsync(1);
        Task stopping = server.Server.StopAsync();

        await AnswerAsync(server, 1);

        Assert.Equal("world", (await call.InTime()).Msg);
        await server.Client.DisposeAsync();
        await stopping;
        Assert.True(server.Source.IsCompleted);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Host_StopsAndNobodyServes_CallsEndWithItsTimeLimit(int version)
    {
        await using SourceServer server = await SourceServer.StartAsync(
            version: version, setup: new TestServerSetup { ShutdownTimeout = TimeSpan.FromMilliseconds(300) });
        Task<HelloReply> call = server.CallAsync("world");
        await server.WaitForCountAsync(1);

        await Assert.ThrowsAnyAsync<Exception>(async () => await Task.WhenAll(server.Server.StopAsync(), call).InTime());

        await Assert.ThrowsAsync<RpcException>(() => call.InTime());
        Assert.False(server.Source.TryReceive(out _));
        Assert.True(server.Source.IsCompleted);
    }

    private static void Lose(Invocation<HelloRequest, HelloReply> invocation) => _ = invocation.Defer();

    private static async Task AnswerAsync(SourceServer server, int count)
    {
        for (int i = 0; i < count; i++)
        {
            Invocation<HelloRequest, HelloReply> invocation = await server.ReceiveAsync();
            invocation.Reply(new HelloReply { Msg = invocation.Argument.Msg });
        }
    }
}
