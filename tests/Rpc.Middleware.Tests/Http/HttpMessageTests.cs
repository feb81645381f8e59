using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>One request and one reply over HTTP: formats, and what is refused.</summary>
public sealed class HttpMessageTests
{
    [Theory]
    [InlineData(TransportKind.Sockets)]
    [InlineData(TransportKind.Epoll)]
    public async Task Post_Json_AnswersInJson(TransportKind transport)
    {
        await using HttpPeer peer = await HttpPeer.StartAsync(app => app.MapHello().WithHttp(), transport: transport);

        HttpAnswer answer = await peer.PostAsync(HttpPeer.Hello, """{ "msg": "wörld" }""");

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal("application/json; charset=utf-8", answer.ContentType?.ToString());
        Assert.Equal("""{ "msg": "Hello wörld" }""", answer.Text);
    }

    [Theory]
    [InlineData("application/x-protobuf", null, "application/x-protobuf")]
    [InlineData("application/protobuf", "*/*", "application/x-protobuf")]
    [InlineData("application/x-protobuf", "application/protobuf", "application/protobuf")]
    [InlineData("application/vnd.google.protobuf", "application/*;q=0.1, application/json", "application/json")]
    [InlineData("application/x-protobuf", "application/json;q=0.5, application/protobuf;q=0.7, text/html", "application/protobuf")]
    public async Task Post_Protobuf_AnswersInWhatIsAccepted(string sent, string? accept, string expected)
    {
        await using HttpPeer peer = await HttpPeer.StartAsync(app => app.MapHello().WithHttp());

        HttpAnswer answer = await peer.PostAsync(HttpPeer.Hello, Protobuf(new HelloRequest { Msg = "you" }, sent), [.. Accept(accept)]);

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal(expected, answer.ContentType?.MediaType);
        Assert.Equal("Hello you", expected == "application/json" ? HelloReply.Parser.ParseJson(answer.Text).Msg : HelloReply.Parser.ParseFrom(answer.Body).Msg);
    }

    [Theory]
    [InlineData("application/json", "application/json")]
    [InlineData("application/json", "application/json;q=0, application/x-protobuf")]
    public async Task Post_Json_AnswersInWhatIsAccepted(string sent, string accept)
    {
        await using HttpPeer peer = await HttpPeer.StartAsync(app => app.MapHello().WithHttp());

        HttpAnswer answer = await peer.PostAsync(HttpPeer.Hello, new StringContent("{}", Encoding.UTF8, sent), ("Accept", accept));

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal(accept.EndsWith("protobuf", StringComparison.Ordinal) ? "application/x-protobuf" : "application/json", answer.ContentType?.MediaType);
    }

    [Theory]
    [InlineData("text/html")]
    [InlineData("application/json;q=0")]
    [InlineData("text/event-stream")]
    public async Task Post_NothingAcceptable_Is406(string accept)
    {
        await using HttpPeer peer = await HttpPeer.StartAsync(app => app.MapHello().WithHttp());

        HttpAnswer answer = await peer.PostAsync(HttpPeer.Hello, "{}", ("Accept", accept));

        Assert.Equal(HttpStatusCode.NotAcceptable, answer.Status);
        Assert.Equal("INVALID_ARGUMENT", answer.Code);
        Assert.Contains("application/json", answer.Problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("text/plain", null)]
    [InlineData("application/x-www-form-urlencoded", null)]
    [InlineData("application/json; charset=utf-16", null)]
    [InlineData("application/json", "gzip")]
    [InlineData(null, null)]
    public async Task Post_FormatNotKnown_Is415(string? type, string? encoding)
    {
        await using HttpPeer peer = await HttpPeer.StartAsync(app => app.MapHello().WithHttp());
        using ByteArrayContent content = new("{}"u8.ToArray());
        content.Headers.ContentType = type is null ? null : MediaTypeHeaderValue.Parse(type);
        if (encoding is not null)
        {
            content.Headers.ContentEncoding.Add(encoding);
        }

        HttpAnswer answer = await peer.PostAsync(HttpPeer.Hello, content);

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, answer.Status);
        Assert.Equal("INVALID_ARGUMENT", answer.Code);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{ \"msg\": 1 }")]
    [InlineData("{ \"other\": \"a\" }")]
    [InlineData("{ \"msg\": \"a\" ")]
    [InlineData("{} {}")]
    public async Task Post_NotTheMessage_Is400AndTheHandlerNeverRuns(string json)
    {
        int runs = 0;
        await using HttpPeer peer = await HttpPeer.StartAsync(app => app.MapRpc(Golden.Name, (HelloRequest _) =>
        {
            runs++;
            return new HelloReply();
        }).WithHttp());

        HttpAnswer answer = await peer.PostAsync(HttpPeer.Hello, json);

        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Equal("INVALID_ARGUMENT", answer.Code);
        Assert.Equal(0, runs);
    }

    [Fact]
    public async Task Post_DeepNesting_Is400()
    {
        await using HttpPeer peer = await HttpPeer.StartAsync(app => app.MapRpc("a/b", (Value value) => value).WithHttp());

        HttpAnswer deep = await peer.PostAsync("/a/b", new string('[', 1_000_000)); // would overflow the parser's stack
        HttpAnswer objects = await peer.PostAsync("/a/b", string.Concat(Enumerable.Repeat("{\"a\":", 200)) + "1" + new string('}', 200));
        HttpAnswer text = await peer.PostAsync("/a/b", $"[\"\\\"{new string('[', 500)}\\\\\",[2]]");
        string most = new string('[', 99) + new string(']', 99);

        Assert.Equal(HttpStatusCode.BadRequest, deep.Status);
        Assert.Equal(HttpStatusCode.BadRequest, objects.Status);
        Assert.Equal(HttpStatusCode.OK, text.Status);
        Assert.Equal(HttpStatusCode.OK, (await peer.PostAsync("/a/b", most)).Status);
    }

    [Fact]
    public async Task Post_InvalidUtf8OrProtobuf_Is400()
    {
        await using HttpPeer peer = await HttpPeer.StartAsync(app => app.MapHello().WithHttp());
        using ByteArrayContent json = new([.. "{\"msg\":\""u8, 0xff, .. "\"}"u8]) { Headers = { ContentType = new("application/json") } };
        using ByteArrayContent protobuf = new([0x0a, 0x05, 0x61]) { Headers = { ContentType = new("application/x-protobuf") } };

        Assert.Equal(HttpStatusCode.BadRequest, (await peer.PostAsync(HttpPeer.Hello, json)).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await peer.PostAsync(HttpPeer.Hello, protobuf)).Status);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Post_OverTheLimitOfMessages_Is413(bool isChunked)
    {
        await using HttpPeer peer = await HttpPeer.StartAsync(app => app.MapHello().WithHttp(), rpc: options => options.Limits.MaxBodyLength = 100);
        using StringContent content = new($$"""{"msg":"{{new string('a', 200)}}"}""", Encoding.UTF8, "application/json");

        HttpAnswer answer = await peer.PostAsync(HttpPeer.Hello, content, isChunked ? [("Transfer-Encoding", "chunked")] : []);

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.Status);
        Assert.Equal("RESOURCE_EXHAUSTED", answer.Code);
    }

    [Fact]
    public async Task Reply_OverTheLimitOfMessages_IsAnErrorAndNotHalfAReply()
    {
        await using HttpPeer peer = await HttpPeer.StartAsync(
            app => app.MapRpc(Golden.Name, (HelloRequest _) => new HelloReply { Msg = new string('a', 200) }).WithHttp(),
            rpc: options => options.Limits.MaxBodyLength = 100);

        HttpAnswer answer = await peer.PostAsync(HttpPeer.Hello, "{}");

        Assert.Equal(HttpStatusCode.TooManyRequests, answer.Status);
        Assert.Equal("RESOURCE_EXHAUSTED", answer.Code);
    }

    [Fact]
    public async Task Service_WithCodecsOfItsOwn_HasTheirJson()
    {
        await using HttpPeer peer = await HttpPeer.StartAsync(app => app.MapRpcService<OpenStock>().WithHttp());

        HttpAnswer order = await peer.PostAsync("/shop.Stock/Buy", """{"Item":"nail","Count":2}""");
        HttpAnswer found = await peer.PostAsync("/shop.Stock/Find", "\"nut\"");
        HttpAnswer alias = await peer.PostAsync("/Stock/Find", "\"nut\"");
        HttpAnswer bad = await peer.PostAsync("/shop.Stock/Buy", "{");
        HttpAnswer protobuf = await peer.PostAsync("/shop.Stock/Buy", Protobuf(new StringValue(), "application/x-protobuf"));

        Assert.Equal("""{"Item":"nail","Count":3}""", order.Text);
        Assert.Equal("\"nut!\"", found.Text);
        Assert.Equal("\"nut!\"", alias.Text);
        Assert.Equal(HttpStatusCode.BadRequest, bad.Status);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, protobuf.Status);
    }

    [Fact]
    public async Task Method_NotAskedFor_IsNotReached()
    {
        await using HttpPeer peer = await HttpPeer.StartAsync(app =>
        {
            RpcServiceEndpointConventionBuilder service = app.MapRpcService<OpenStock>();
            service.Method("Find").WithHttp();
        });

        Assert.Equal(HttpStatusCode.OK, (await peer.PostAsync("/shop.Stock/Find", "\"a\"")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await peer.PostAsync("/shop.Stock/Buy", "{}")).Status);
    }

    [Fact]
    public async Task Get_IsNotAllowedAndSaysWhatIs()
    {
        await using HttpPeer peer = await HttpPeer.StartAsync(app => app.MapHello().WithHttp());

        HttpAnswer answer = await peer.GetAsync(HttpPeer.Hello);

        Assert.Equal(HttpStatusCode.MethodNotAllowed, answer.Status);
        Assert.Equal("POST", answer.Header("Allow"));
    }

    [Fact]
    public async Task Handler_WithoutAResult_AnswersAnEmptyObject()
    {
        await using HttpPeer peer = await HttpPeer.StartAsync(app => app.MapRpc(Golden.Name, (HelloRequest _) => { }).WithHttp());

        Assert.Equal("{ }", (await peer.PostAsync(HttpPeer.Hello, "{}")).Text);
    }

    [Fact]
    public async Task MapRpcHttp_PrefixAndOptions_Hold()
    {
        await using HttpPeer peer = await HttpPeer.StartAsync(
            app =>
            {
                app.MapHello().WithHttp();
                app.MapRpcHttp("/api", options =>
                {
                    options.Formatting = options.Formatting.WithFormatDefaultValues(true);
                    options.Parsing = options.Parsing.WithIgnoreUnknownFields(true);
                });
                app.MapGroup("/v1").MapRpcHttp("rpc");
            },
            mapsHttp: false);

        Assert.Equal("""{ "msg": "Hello " }""", (await peer.PostAsync("/api/helloworld/Hello", """{ "other": 1 }""")).Text);
        Assert.Equal(HttpStatusCode.BadRequest, (await peer.PostAsync("/v1/rpc/helloworld/Hello", """{ "other": 1 }""")).Status);
        Assert.Equal(HttpStatusCode.OK, (await peer.PostAsync("/v1/rpc/helloworld/Hello", "{}")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await peer.PostAsync(HttpPeer.Hello, "{}")).Status);
    }

    [Fact]
    public async Task WithHttp_NothingMapsHttp_FailsTheStart()
    {
        InvalidOperationException refused = await Assert.ThrowsAsync<InvalidOperationException>(
            () => HttpPeer.StartAsync(app => app.MapHello().WithHttp(), mapsHttp: false));

        Assert.Contains("app.MapRpcHttp()", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MapRpcHttp_NoMethod_Warns()
    {
        await using HttpPeer peer = await HttpPeer.StartAsync(app => app.MapHello());

        Assert.Contains(peer.Server.Logs.Ours, line => line.Id == 110);
    }

    private static IEnumerable<(string, string)> Accept(string? accept) => accept is null ? [] : [("Accept", accept)];

    private static ByteArrayContent Protobuf(IMessage message, string type) => new(message.ToByteArray()) { Headers = { ContentType = new(type) } };

    [Microsoft.AspNetCore.Authorization.AllowAnonymous]
    private sealed class OpenStock : Stock;
}
