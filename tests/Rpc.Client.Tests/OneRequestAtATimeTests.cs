using System.IO.Pipelines;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client.Tests;

/// <summary>With servers that lose what comes behind a request: the next leaves when the one before has ended.</summary>
public class OneRequestAtATimeTests
{
    private static readonly RpcConnectionOptions Options = new() { OneRequestAtATime = true };

    [Fact]
    public async Task Calls_ManyAtOnce_EachLeavesAloneAndInOrder()
    {
        await using PipeServer server = new(Options);
        Task<StringValue>[] calls = [.. Enumerable.Range(0, 20).Select(i => server.HelloAsync($"{i}"))];
        for (int i = 0; i < calls.Length; i++)
        {
            (uint id, string text) = await server.ReceiveAsync();
            Assert.Equal($"{i}", text);
            AssertNothingReceived(server);
            await server.SendAsync(Wire.Reply(id, text));
            Assert.Equal(text, (await calls[i].Within()).Value);
        }
    }

    [Fact]
    public async Task Calls_ErrorReply_LetsTheNextLeave()
    {
        await using PipeServer server = new(Options);
        Task<StringValue> first = server.HelloAsync("1");
        Task<StringValue> second = server.HelloAsync("2");
        await server.SendAsync(Wire.Error((await server.ReceiveAsync()).SequenceId, RpcErrorCode.Server, "no"));
        Assert.Equal(RpcErrorCode.Server, (await Assert.ThrowsAsync<RpcException>(() => first.Within())).Code);
        await server.SendAsync(Wire.Reply((await server.ReceiveAsync()).SequenceId, "two"));
        Assert.Equal("two", (await second.Within()).Value);
    }

    [Fact]
    public async Task Calls_OneCancelledWhileItWaits_EndsAtOnceAndNeverLeaves()
    {
        await using PipeServer server = new(Options);
        using CancellationTokenSource source = new();
        Task<StringValue> first = server.HelloAsync("1");
        Task<StringValue> second = server.HelloAsync("2", source.Token);
        Task<StringValue> third = server.HelloAsync("3");
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second.Within());

        (uint id, string text) = await server.ReceiveAsync();
        Assert.Equal("1", text);
        AssertNothingReceived(server);
        await server.SendAsync(Wire.Reply(id, "one"));
        Assert.Equal("one", (await first.Within()).Value);
        (id, text) = await server.ReceiveAsync();
        Assert.Equal("3", text);
        await server.SendAsync(Wire.Reply(id, "three"));
        Assert.Equal("three", (await third.Within()).Value);
    }

    [Fact]
    public async Task Calls_TheOneThatLeftIsCancelled_TheNextLeavesAndTheLateReplyIsDropped()
    {
        await using PipeServer server = new(Options);
        using CancellationTokenSource source = new();
        Task<StringValue> unanswered = server.HelloAsync("1", source.Token);
        Task<StringValue> next = server.HelloAsync("2");
        uint late = (await server.ReceiveAsync()).SequenceId;
        AssertNothingReceived(server);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => unanswered.Within());

        (uint id, string text) = await server.ReceiveAsync();
        Assert.Equal("2", text);
        await server.SendAsync(Wire.Reply(late, "late"), Wire.Reply(id, "two"));
        Assert.Equal("two", (await next.Within()).Value);
    }

    [Fact]
    public async Task Calls_MoreThanMayWait_FailAtOnce()
    {
        await using PipeServer server = new(new RpcConnectionOptions { OneRequestAtATime = true, MaxPendingCalls = 2 });
        Task<StringValue>[] taken = [server.HelloAsync("1"), server.HelloAsync("2")];
        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => server.HelloAsync("3").Within());
        Assert.Equal(RpcErrorCode.Client, refused.Code);
        foreach (Task<StringValue> call in taken)
        {
            await server.SendAsync(Wire.Reply((await server.ReceiveAsync()).SequenceId, "ok"));
            Assert.Equal("ok", (await call.Within()).Value);
        }
    }

    [Fact]
    public async Task Dispose_CallsWait_AllFailAndNothingMoreLeaves()
    {
        await using PipeServer server = new(Options);
        Task<StringValue>[] calls = [.. Enumerable.Range(0, 5).Select(i => server.HelloAsync($"{i}"))];
        await server.ReceiveAsync();
        await server.Client.DisposeAsync().Within();
        foreach (Task<StringValue> call in calls)
        {
            Assert.Equal(RpcErrorCode.Connection, (await Assert.ThrowsAsync<RpcException>(() => call.Within())).Code);
        }

        await Assert.ThrowsAnyAsync<Exception>(() => server.ReceiveAsync().Within());
        Assert.Equal(0, server.Client.QueuedCalls);
    }

    private static void AssertNothingReceived(PipeServer server)
    {
        // The reader holds all that was flushed: a request that left too early would lie here.
        if (server.Requests.TryRead(out ReadResult result))
        {
            server.Requests.AdvanceTo(result.Buffer.Start);
            Assert.True(result.Buffer.IsEmpty, "A request left before the reply to the one before.");
        }
    }
}
