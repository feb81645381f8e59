using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>HTTP on the port that serves RPC.</summary>
public sealed class HttpBesideRpcTests
{
    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Get_OnRpcPort_AnswersBesideRpc(TransportKind transport)
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup { Transport = transport, App = MapBoth });
        await using RawPeer peer = await server.ConnectAsync();
        using HttpClient http = new();

        await peer.SendAsync(Golden.Request);
        string first = await http.GetStringAsync(new Uri($"http://{server.EndPoint}/")).InTime();
        string second = await http.GetStringAsync(new Uri($"http://{server.EndPoint}/")).InTime();

        Assert.Equal("HTTP beside it", first);
        Assert.Equal("HTTP beside it", second);
        Assert.Equal(Golden.Reply, await peer.ReceiveExactlyAsync(Golden.Reply.Length));
        Assert.Empty(server.Logs.Ours);
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Get_SplitAtEveryByte_Answers(TransportKind transport)
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup { Transport = transport, App = MapBoth });
        byte[] request = Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

        for (int split = 1; split < request.Length; split++)
        {
            await using RawPeer peer = await server.ConnectAsync();
            await peer.SendAsync(request.AsMemory(0, split));
            await peer.SendAsync(request.AsMemory(split));

            Assert.StartsWith("HTTP/1.1 200 OK", Encoding.ASCII.GetString(await peer.ReceiveToEndAsync()), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Get_OverHttp2WithPriorKnowledge_Answers()
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = MapBoth,
            Listen = options =>
            {
                options.Protocols = HttpProtocols.Http2;
                options.UseRpc();
            },
        });
        using HttpClient http = new() { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        await using RawPeer peer = await server.ConnectAsync();
        await peer.SendAsync(Golden.Request);

        Assert.Equal("HTTP beside it", await http.GetStringAsync(new Uri($"http://{server.EndPoint}/")).InTime());
        Assert.Equal(Golden.Reply, await peer.ReceiveExactlyAsync(Golden.Reply.Length));
    }

    [Theory]
    [InlineData("/helloworld/Hello")]
    [InlineData("/helloworld")]
    public async Task Http_PathOfRpcMethod_IsNotFound(string path)
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup { App = MapBoth });
        using HttpClient http = new();

        using HttpResponseMessage get = await http.GetAsync(new Uri($"http://{server.EndPoint}{path}")).InTime();
        using HttpResponseMessage post = await http.PostAsync(new Uri($"http://{server.EndPoint}{path}"), new ByteArrayContent([1])).InTime();

        Assert.Equal(HttpStatusCode.NotFound, get.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, post.StatusCode);
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Tls_UseHttpsBeforeUseRpc_ServesBoth(TransportKind transport)
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Transport = transport,
            App = MapBoth,
            Listen = options => options.UseHttps(Tls.Certificate).UseRpc(),
        });
        await using RawPeer peer = await server.ConnectAsync(tls: true);
        using HttpClientHandler handler = new() { ServerCertificateCustomValidationCallback = (_, certificate, _, _) => Tls.IsOurs(certificate) };
        using HttpClient http = new(handler) { DefaultRequestVersion = HttpVersion.Version20 };

        await peer.SendAsync(Golden.Request.AsMemory(0, 1));
        await peer.SendAsync(Golden.Request.AsMemory(1));
        using HttpResponseMessage response = await http.GetAsync(new Uri($"https://localhost:{server.EndPoint.Port}/")).InTime();

        Assert.Equal(Golden.Reply, await peer.ReceiveExactlyAsync(Golden.Reply.Length));
        Assert.Equal(HttpVersion.Version20, response.Version);
        Assert.Equal("HTTP beside it", await response.Content.ReadAsStringAsync().InTime());
    }

    [Theory]
    [InlineData(RpcScheduling.ThreadPool)]
    [InlineData(RpcScheduling.Inline)]
    public async Task Tls_ManyCallsWithLargeReplies_AnswersEachWhole(RpcScheduling scheduling)
    {
        const int Count = 200;
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options => options.Scheduling = scheduling,
            Listen = options => options.UseHttps(Tls.Certificate).UseRpc(),
        });
        await using RawPeer peer = await server.ConnectAsync(tls: true);
        string filler = new('x', 20_000);

        Task sending = Task.Run(async () =>
        {
            for (uint i = 0; i < Count; i++)
            {
                await peer.SendAsync(Golden.Call(i, $"{i} {filler}"));
            }
        });
        IReadOnlyList<RawReply> replies = await peer.ReceiveAsync(Count);
        await sending.InTime();

        Assert.Equal(Count, replies.DistinctBy(reply => reply.SequenceId).Count());
        Assert.All(replies, reply => Assert.Equal($"Hello {reply.SequenceId} {filler}", reply.Msg));
    }

    private static void MapBoth(WebApplication app)
    {
        app.MapHello();
        app.MapGet("/", () => "HTTP beside it");
    }
}
