using Golden.Everything;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Generator.Tests;

/// <summary>Generated clients call generated services.</summary>
public sealed class CallTests
{
    [Fact]
    public async Task Unary_WithDeadlineAndMetadata_IsAnswered()
    {
        await using ServiceHost host = await StartAsync(new NoteBook());
        Everything.EverythingClient client = new(host.Connection);

        Assert.Equal(8, (await client.AskAsync(new Question { Number = 7 }).Limited()).Number);
        Assert.Equal(9, (await client.AskAsync(new Question { Number = 8 }, deadline: TimeLimits.Limit).Limited()).Number);
        Assert.Equal(9, (await client.AskAsync(new Question { Number = 8 }, new RpcCallOptions { Timeout = TimeLimits.Limit }).Limited()).Number);

        RpcMetadata metadata = new() { { "colour", "red" } };
        using RpcUnaryCall<Answer> call = client.StartAsk(new Question { Number = 1 }, new RpcCallOptions { Metadata = metadata });
        Assert.Equal(2, (await call.ReplyAsync.Limited()).Number);
        Assert.Equal("red", call.Trailers.GetValue("colour"));
    }

    [Fact]
    public async Task Unary_DeadlineIsOverOrTokenFired_IsGivenUp()
    {
        await using ServiceHost host = await StartAsync(new NoteBook());
        Everything.EverythingClient client = new(host.Connection);

        RpcException late = await Assert.ThrowsAsync<RpcException>(() => client.AskAsync(new Question(), deadline: TimeSpan.Zero).Limited());
        Assert.Equal(RpcStatusCode.DeadlineExceeded, late.StatusCode);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => client.AskAsync(new Question(), cancellationToken: new CancellationToken(canceled: true)).Limited());
    }

    [Fact]
    public async Task Streams_OfEveryShape_Flow()
    {
        await using ServiceHost host = await StartAsync(new NoteBook());
        Everything.EverythingClient client = new(host.Connection);

        using RpcClientStreamingCall<Question, Answer> sum = client.Sum(deadline: TimeLimits.Limit);
        for (int number = 1; number <= 4; number++)
        {
            await sum.Requests.WriteAsync(new Question { Number = number }).Limited();
        }

        await sum.Requests.CompleteAsync().Limited();
        Assert.Equal(10, (await sum.ReplyAsync.Limited()).Number);

        using RpcServerStreamingCall<Answer> count = client.Count(new Question { Number = 3 });
        Assert.Equal([1, 2, 3], await NumbersAsync(count.Replies).Limited());

        using RpcDuplexStreamingCall<Question, Answer> chat = client.Chat(new RpcCallOptions());
        await chat.Requests.WriteAsync(new Question { Number = 5 }).Limited();
        Assert.True(await chat.Replies.MoveNextAsync().Limited());
        Assert.Equal(-5, chat.Replies.Current.Number);
        await chat.Requests.CompleteAsync().Limited();
        Assert.False(await chat.Replies.MoveNextAsync().Limited());
    }

    [Fact]
    public async Task OneWay_Sent_ReachesTheService()
    {
        NoteBook notes = new();
        await using ServiceHost host = await StartAsync(notes);

        await new Everything.EverythingClient(host.Connection).NoteAsync(new Question { Number = 11 }).Limited();

        Assert.Equal((11, true), await notes.First.Limited());
    }

    /// <summary>A caller that does not know of oneway gets an empty message.</summary>
    [Fact]
    public async Task OneWay_CalledWithAReply_IsAnsweredEmpty()
    {
        NoteBook notes = new();
        await using ServiceHost host = await StartAsync(notes);
        RpcMethod<Question, Answer> method = RpcMethod.Unary<Question, Answer>("golden.everything.Everything", "Note");

        Assert.Equal(new Answer(), await host.Connection.CallAsync(method, new Question { Number = 12 }).Limited());
        Assert.Equal((12, false), await notes.First.Limited());
    }

    [Theory]
    [InlineData("golden.everything.Everything", "ask.v2")]
    [InlineData("golden.everything.Everything", "AskAgain")]
    [InlineData("golden.everything.Everything", "Ask2")]
    [InlineData("old.service", "Ask")]
    public async Task Method_WithAliases_AnswersToEach(string service, string method)
    {
        await using ServiceHost host = await StartAsync(new NoteBook());

        Answer answer = await host.Connection.CallAsync(RpcMethod.Unary<Question, Answer>(service, method), new Question { Number = 21 }).Limited();

        Assert.Equal(42, answer.Number);
    }

    [Fact]
    public async Task Method_Renamed_IsCalledByItsNameOnTheWire()
    {
        await using ServiceHost host = await StartAsync(new NoteBook());

        Assert.Equal(6, (await new Everything.EverythingClient(host.Connection).RenamedAsync(new Question { Number = 3 }).Limited()).Number);
        RpcMethod<Question, Answer> notThis = RpcMethod.Unary<Question, Answer>("golden.everything.Everything", "Renamed");
        RpcException exception = await Assert.ThrowsAsync<RpcException>(() => host.Connection.CallAsync(notThis, new Question()).Limited());
        Assert.Equal(RpcStatusCode.Unimplemented, exception.StatusCode);
    }

    [Fact]
    public async Task Method_NotOverridden_IsUnimplemented()
    {
        await using ServiceHost host = await StartAsync(new NoteBook());
        Everything.EverythingClient client = new(host.Connection);

#pragma warning disable CS0612 // It is deprecated, which is what the attribute says.
        RpcException unary = await Assert.ThrowsAsync<RpcException>(() => client.OldAskAsync(new Question()).Limited());
        using RpcServerStreamingCall<Answer> stream = client.OldCount(new Question());
#pragma warning restore CS0612
        RpcException streaming = await Assert.ThrowsAsync<RpcException>(() => stream.Replies.MoveNextAsync().Limited());

        Assert.Equal((RpcStatusCode.Unimplemented, "golden.everything.Everything/OldAsk is not implemented."), (unary.StatusCode, unary.Message));
        Assert.Equal((RpcStatusCode.Unimplemented, "golden.everything.Everything/OldCount is not implemented."), (streaming.StatusCode, streaming.Message));
    }

    private static Task<ServiceHost> StartAsync(NoteBook notes) => ServiceHost.StartAsync(
        services => services.AddSingleton(notes), app => app.MapRpcService<EverythingService>());

    private static async Task<List<int>> NumbersAsync(IRpcStreamReader<Answer> answers)
    {
        List<int> numbers = [];
        await foreach (Answer answer in answers.ReadAllAsync())
        {
            numbers.Add(answer.Number);
        }

        return numbers;
    }
}
