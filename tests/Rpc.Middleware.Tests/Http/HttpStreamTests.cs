using System.Net;
using System.Text;
using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Streams of replies over HTTP.</summary>
public sealed class HttpStreamTests
{
    [Fact]
    public async Task Stream_ByDefault_IsLinesOfJson()
    {
        await using HttpPeer peer = await HttpPeer.StartAsync(app => app.MapRpc(Golden.Name, Count).WithHttp());

        HttpAnswer answer = await peer.PostAsync(HttpPeer.Hello, """{"msg":"a"}""");

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal("application/x-ndjson", answer.ContentType?.MediaType);
        Assert.Equal("{ \"msg\": \"a0\" }\n{ \"msg\": \"a1\" }\n{ \"msg\": \"a2\" }\n", answer.Text);
    }

    [Fact]
    public async Task Stream_EventsAccepted_IsEventsWithAnEnd()
    {
        await using HttpPeer peer = await HttpPeer.StartAsync(app => app.MapRpcServerStream<HelloRequest, HelloReply>(
            Golden.Name,
            async (request, replies, context) =>
            {
                context.ReplyMetadata.Add("first", "yes");
                await replies.WriteAsync(new HelloReply { Msg = request.Msg });
                context.ReplyTrailers.Add("last", "1");
            }).WithHttp());

        HttpAnswer answer = await peer.PostAsync(HttpPeer.Hello, """{"msg":"a\nb"}""", ("Accept", "text/event-stream"));

        Assert.Equal("text/event-stream", answer.ContentType?.MediaType);
        Assert.Equal("no-cache", answer.Header("Cache-Control"));
        Assert.Equal("yes", answer.Header("first"));
        Assert.Equal("data: { \"msg\": \"a\\nb\" }\n\nevent: end\ndata: {\"trailers\":{\"last\":[\"1\"]}}\n\n", answer.Text);
    }

    [Theory]
    [InlineData("application/x-ndjson", "{ \"msg\": \"a\" }\n{\"@error\":{", "}}\n")]
    [InlineData("text/event-stream", "data: { \"msg\": \"a\" }\n\nevent: error\ndata: {", "}\n\n")]
    public async Task Stream_FailsBehindAMessage_EndsWithTheError(string accept, string start, string end)
    {
        await using HttpPeer peer = await HttpPeer.StartAsync(app => app.MapRpcServerStream<HelloRequest, HelloReply>(
            Golden.Name,
            async (request, replies, _) =>
            {
                await replies.WriteAsync(new HelloReply { Msg = request.Msg });
                throw new RpcException(RpcStatusCode.NotFound, "No more.");
            }).WithHttp());

        HttpAnswer answer = await peer.PostAsync(HttpPeer.Hello, """{"msg":"a"}""", ("Accept", accept));

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.StartsWith(start, answer.Text, StringComparison.Ordinal);
        Assert.EndsWith(end, answer.Text, StringComparison.Ordinal);
        Assert.Contains("\"status\":404,\"detail\":\"No more.\",\"code\":\"NOT_FOUND\"", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stream_FailsBeforeAMessage_HasItsStatus()
    {
        await using HttpPeer peer = await HttpPeer.StartAsync(app => app.MapRpcServerStream<HelloRequest, HelloReply>(
            Golden.Name, (_, _, _) => throw new RpcException(RpcStatusCode.NotFound, "Nothing.")).WithHttp());

        HttpAnswer answer = await peer.PostAsync(HttpPeer.Hello, "{}");

        Assert.Equal(HttpStatusCode.NotFound, answer.Status);
        Assert.Equal("NOT_FOUND", answer.Code);
    }

    [Fact]
    public async Task Stream_WithoutMessages_IsEmpty()
    {
        await using HttpPeer peer = await HttpPeer.StartAsync(
            app => app.MapRpcServerStream<HelloRequest, HelloReply>(Golden.Name, (_, _, _) => default).WithHttp());

        HttpAnswer answer = await peer.PostAsync(HttpPeer.Hello, "{}");

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal("", answer.Text);
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("application/x-protobuf")]
    public async Task Stream_NotAccepted_Is406(string accept)
    {
        await using HttpPeer peer = await HttpPeer.StartAsync(app => app.MapRpc(Golden.Name, Count).WithHttp());

        Assert.Equal(HttpStatusCode.NotAcceptable, (await peer.PostAsync(HttpPeer.Hello, "{}", ("Accept", accept))).Status);
    }

    [Fact]
    public async Task Stream_OfACodecInJson_HasItsJsonOnOneLine()
    {
        await using HttpPeer peer = await HttpPeer.StartAsync(app => app.MapRpcService<OpenStock>().WithHttp());

        HttpAnswer answer = await peer.PostAsync("/shop.Stock/List", "\"nut\"");

        Assert.Equal("{\"Item\":\"nut\",\"Count\":1}\n{\"Item\":\"nut\",\"Count\":2}\n{\"Item\":\"nut\",\"Count\":3}\n", answer.Text);
    }

    [Fact]
    public async Task Stream_Message_ArrivesBeforeTheNextIsWritten()
    {
        TaskCompletionSource isRead = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using HttpPeer peer = await HttpPeer.StartAsync(app => app.MapRpcServerStream<HelloRequest, HelloReply>(
            Golden.Name,
            async (_, replies, _) =>
            {
                await replies.WriteAsync(new HelloReply { Msg = "1" });
                await isRead.Task.InTime();
                await replies.WriteAsync(new HelloReply { Msg = "2" });
            }).WithHttp());

        using HttpResponseMessage response = await peer.StartAsync(HttpPeer.Hello, "{}", default).InTime();
        using StreamReader reader = new(await response.Content.ReadAsStreamAsync().InTime(), Encoding.UTF8);
        string? first = await reader.ReadLineAsync().InTime();
        isRead.SetResult();
        string? second = await reader.ReadLineAsync().InTime();

        Assert.Equal("{ \"msg\": \"1\" }", first);
        Assert.Equal("{ \"msg\": \"2\" }", second);
        Assert.Null(await reader.ReadLineAsync().InTime());
    }

    [Fact]
    public async Task Stream_CallerGoes_HandlerIsCancelled()
    {
        TaskCompletionSource isCancelled = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using HttpPeer peer = await HttpPeer.StartAsync(app => app.MapRpcServerStream<HelloRequest, HelloReply>(
            Golden.Name,
            async (_, replies, context) =>
            {
                try
                {
                    while (true)
                    {
                        await replies.WriteAsync(new HelloReply { Msg = new string('a', 10_000) }, context.CancellationToken);
                    }
                }
                catch (OperationCanceledException)
                {
                    isCancelled.SetResult();
                    throw;
                }
            }).WithHttp());

        (await peer.StartAsync(HttpPeer.Hello, "{}", default).InTime()).Dispose();

        await isCancelled.Task.InTime();
    }

    [Fact]
    public async Task Writer_AfterTheCall_IsRefused()
    {
        TaskCompletionSource<IRpcStreamWriter<HelloReply>> kept = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using HttpPeer peer = await HttpPeer.StartAsync(app => app.MapRpcServerStream<HelloRequest, HelloReply>(
            Golden.Name,
            (_, replies, _) =>
            {
                kept.SetResult(replies);
                return default;
            }).WithHttp());

        await peer.PostAsync(HttpPeer.Hello, "{}");
        IRpcStreamWriter<HelloReply> writer = await kept.Task.InTime();

        await Assert.ThrowsAsync<InvalidOperationException>(() => writer.WriteAsync(new HelloReply()).InTime());
    }

    [Theory]
    [InlineData("/shop.Stock/Count")]
    [InlineData("/shop.Stock/Change")]
    public async Task Method_WithAStreamOfRequests_IsNotImplemented(string path)
    {
        await using HttpPeer peer = await HttpPeer.StartAsync(app => app.MapRpcService<OpenStock>().WithHttp());

        HttpAnswer answer = await peer.PostAsync(path, "{}");

        Assert.Equal(HttpStatusCode.NotImplemented, answer.Status);
        Assert.Equal("UNIMPLEMENTED", answer.Code);
    }

    private static async IAsyncEnumerable<HelloReply> Count(HelloRequest request)
    {
        for (int i = 0; i < 3; i++)
        {
            await Task.Yield();
            yield return new HelloReply { Msg = $"{request.Msg}{i}" };
        }
    }

    [Microsoft.AspNetCore.Authorization.AllowAnonymous]
    private sealed class OpenStock : Stock;
}
