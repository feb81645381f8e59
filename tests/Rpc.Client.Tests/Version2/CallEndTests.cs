using System.IO.Pipelines;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client.Tests.Version2;

/// <summary>Calls that this side ends: by token, by deadline, by a reply that is refused.</summary>
public class CallEndTests
{
    private static readonly PipeOptions Narrow = new(pauseWriterThreshold: 1, resumeWriterThreshold: 1);

    [Fact]
    public async Task Cancel_AfterTheRequestLeft_SendsCancelAndIgnoresTheReply()
    {
        await using ScriptedServer server = new();
        using CancellationTokenSource source = new();
        Task<StringValue> call = server.HelloAsync("a", new RpcCallOptions { CancellationToken = source.Token });
        uint id = (await server.ReceiveAsync()).CallId;
        await source.CancelAsync();
        OperationCanceledException failed = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.Within());
        Assert.Equal(source.Token, failed.CancellationToken);
        ClientFrame cancel = await server.ReceiveAsync();
        Assert.Equal((id, RpcStatusCode.Cancelled), (cancel.CallId, cancel.CancelCode));
        Assert.Empty(cancel.Header);

        await server.SendAsync(ServerFrame.Data(id, "late"), ServerFrame.Failure(id, RpcStatusCode.Cancelled, ""));
        Task<StringValue> next = server.HelloAsync("b");
        ClientFrame request = await server.ReceiveAsync(RpcFrameType.Request);
        Assert.NotEqual(id, request.CallId);
        await server.SendAsync(ServerFrame.Response(request.CallId, "ok"));
        Assert.Equal("ok", (await next.Within()).Value);
    }

    [Fact]
    public async Task Cancel_BeforeTheRequestLeft_SendsNothingOfTheCall()
    {
        await using ScriptedServer server = new(requests: Narrow);
        using CancellationTokenSource source = new();
        _ = server.HelloAsync("first");
        Task<StringValue> second = server.HelloAsync("second", new RpcCallOptions { CancellationToken = source.Token });
        _ = server.HelloAsync("third");
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second.Within());
        Assert.Equal("first", (await server.ReceiveAsync()).Text);
        Assert.Equal("third", (await server.ReceiveAsync()).Text);
        await TimeLimits.Until(() => server.Client.QueuedCalls == 0);
        server.AssertNothingSent();
    }

    [Fact]
    public async Task Cancel_CutRequestInTheMiddle_SendsNoMorePieces()
    {
        await using ScriptedServer server = new();
        using CancellationTokenSource source = new();
        Task<StringValue> call = server.HelloAsync(new string('x', 1_000_000), new RpcCallOptions { CancellationToken = source.Token });
        uint id = (await server.ReceiveAsync()).CallId;
        await TimeLimits.Until(() => server.Client.ParkedCalls == 1);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.Within());
        Assert.Equal(id, (await server.ReceiveAsync(RpcFrameType.Cancel)).CallId);
        Assert.Equal(0, server.Client.ParkedCalls);
        await server.SendAsync(ServerFrame.Credit(id, 1_000_000), ServerFrame.Credit(0, 1_000_000));
        _ = server.HelloAsync("next");
        Assert.Equal("next", (await server.ReceiveAsync()).Text);
    }

    [Fact]
    public async Task Cancel_ServerNeverAnswersIt_TheIdStaysTakenAndCounts()
    {
        await using ScriptedServer server = new(new RpcConnectionOptions { MaxPendingCalls = 1 });
        using CancellationTokenSource source = new();
        Task<StringValue> call = server.HelloAsync("a", new RpcCallOptions { CancellationToken = source.Token });
        uint id = (await server.ReceiveAsync()).CallId;
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.Within());
        await server.ReceiveAsync(RpcFrameType.Cancel);
        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => server.HelloAsync("b").Within());
        Assert.True(refused.IsNotProcessed);

        await server.SendAsync(ServerFrame.Failure(id, RpcStatusCode.Cancelled, ""));
        await TimeLimits.Until(() => server.Client.AbandonedCalls == 0);
        _ = server.HelloAsync("c");
        Assert.Equal("c", (await server.ReceiveAsync()).Text);
    }

    [Fact]
    public async Task Deadline_Passes_FailsWithDeadlineExceededAndTellsTheServer()
    {
        ManualClock clock = new();
        await using ScriptedServer server = new(new RpcConnectionOptions { TimeProvider = clock });
        Task<StringValue> call = server.HelloAsync("a", new RpcCallOptions { Timeout = TimeSpan.FromMilliseconds(1500) });
        ClientFrame request = await server.ReceiveAsync();
        Assert.Equal(TimeSpan.FromMilliseconds(1500), request.Timeout);
        clock.Advance(TimeSpan.FromMilliseconds(1499));
        Assert.False(call.IsCompleted);
        clock.Advance(TimeSpan.FromMilliseconds(2));
        RpcException failed = await Assert.ThrowsAsync<RpcException>(() => call.Within());
        Assert.Equal((RpcStatusCode.DeadlineExceeded, RpcErrorCode.Timeout), (failed.StatusCode, failed.Code));
        Assert.Equal(RpcStatusCode.DeadlineExceeded, (await server.ReceiveAsync(RpcFrameType.Cancel)).CancelCode);
    }

    [Fact]
    public async Task Deadline_TimeSpentInTheQueue_IsNotInTheRequest()
    {
        ManualClock clock = new();
        await using ScriptedServer server = new(new RpcConnectionOptions { TimeProvider = clock }, Narrow);
        _ = server.HelloAsync("first");
        _ = server.HelloAsync("second", new RpcCallOptions { Deadline = clock.GetUtcNow() + TimeSpan.FromSeconds(10), Timeout = TimeSpan.FromDays(1) });
        clock.Advance(TimeSpan.FromSeconds(4));
        await server.ReceiveAsync();
        Assert.Equal(TimeSpan.FromSeconds(6), (await server.ReceiveAsync()).Timeout);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-5)]
    public async Task Deadline_OverAlready_FailsAndNothingIsSent(int seconds)
    {
        await using ScriptedServer server = new();
        RpcException failed = await Assert.ThrowsAsync<RpcException>(
            () => server.HelloAsync("a", new RpcCallOptions { Timeout = TimeSpan.FromSeconds(seconds) }).Within());
        Assert.Equal(RpcStatusCode.DeadlineExceeded, failed.StatusCode);
        server.AssertNothingSent();
    }

    [Fact]
    public async Task Deadline_OfACallBefore_DoesNotEndTheNextOne()
    {
        ManualClock clock = new();
        await using ScriptedServer server = new(new RpcConnectionOptions { TimeProvider = clock });
        for (int i = 0; i < 20; i++)
        {
            Task<StringValue> timed = server.HelloAsync("a", new RpcCallOptions { Timeout = TimeSpan.FromSeconds(1) });
            await server.SendAsync(ServerFrame.Response((await server.ReceiveAsync()).CallId, "a"));
            await timed.Within();
            Task<StringValue> next = server.HelloAsync("b");
            uint id = (await server.ReceiveAsync()).CallId;
            clock.Advance(TimeSpan.FromSeconds(2));
            await server.SendAsync(ServerFrame.Response(id, "b"));
            Assert.Equal("b", (await next.Within()).Value);
        }
    }

    [Fact]
    public async Task Deadline_WithVersion1_EndsTheCallHere()
    {
        ManualClock clock = new();
        await using PipeServer server = new(new RpcConnectionOptions { TimeProvider = clock });
        Task<StringValue> call = server.Client
            .CallAsync(ScriptedServer.Hello, Wire.Text("a"), new RpcCallOptions { Timeout = TimeSpan.FromSeconds(1) }).AsTask();
        await server.ReceiveAsync();
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(RpcStatusCode.DeadlineExceeded, (await Assert.ThrowsAsync<RpcException>(() => call.Within())).StatusCode);
    }

    [Fact]
    public async Task Version1_WhatItCannotSay_FailsWithUnimplementedAndNothingIsSent()
    {
        await using PipeServer server = new();
        RpcCallOptions[] cannot =
        [
            new() { Metadata = new RpcMetadata { { "a", "b" } } },
            new() { Attachment = new byte[] { 1 } },
        ];
        foreach (RpcCallOptions options in cannot)
        {
            RpcException refused = await Assert.ThrowsAsync<RpcException>(
                () => server.Client.CallAsync(ScriptedServer.Hello, Wire.Text("a"), options).Within());
            Assert.Equal(RpcStatusCode.Unimplemented, refused.StatusCode);
        }

        Assert.False(server.Requests.TryRead(out _));
    }

    [Fact]
    public async Task Reply_OverTheLimit_FailsThatCallAndCancelsIt()
    {
        RpcConnectionOptions options = new() { Settings = new RpcSettings { MaxMessageLength = 1000 } };
        await using ScriptedServer server = new(options);
        Assert.Equal(RpcFrameType.Settings, (await server.ReceiveAsync()).Type);
        Task<StringValue> whole = server.HelloAsync("a");
        uint wholeId = (await server.ReceiveAsync()).CallId;
        Task<StringValue> cut = server.HelloAsync("b");
        uint cutId = (await server.ReceiveAsync()).CallId;
        await server.SendAsync(ServerFrame.Response(wholeId, new string('x', 1001)), ServerFrame.First(cutId, new byte[10], 1001));
        Assert.Equal(RpcStatusCode.ResourceExhausted, (await Assert.ThrowsAsync<RpcException>(() => whole.Within())).StatusCode);
        Assert.Equal(RpcStatusCode.ResourceExhausted, (await Assert.ThrowsAsync<RpcException>(() => cut.Within())).StatusCode);
        ClientFrame cancel = await server.ReceiveAsync();
        Assert.Equal((RpcFrameType.Cancel, cutId), (cancel.Type, cancel.CallId));
        RpcException tooLong = await Assert.ThrowsAsync<RpcException>(() => server.HelloAsync(new string('x', 1000)).Within());
        Assert.Equal(RpcStatusCode.ResourceExhausted, tooLong.StatusCode);
    }
}
