using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>A server whose methods are reached over HTTP, and a caller that speaks HTTP.</summary>
internal sealed class HttpPeer : IAsyncDisposable
{
    public const string Hello = "/helloworld/Hello";

    private readonly HttpClient _client;

    private HttpPeer(TestServer server)
    {
        Server = server;
        _client = new HttpClient { BaseAddress = new Uri($"http://{server.EndPoint}"), Timeout = TimeLimits.Limit };
    }

    public TestServer Server { get; }

    /// <summary>Starts a server with the methods that <paramref name="app"/> maps; it maps HTTP itself if <paramref name="mapsHttp"/>.</summary>
    public static async Task<HttpPeer> StartAsync(
        Action<WebApplication> app, Action<IServiceCollection>? services = null, Action<RpcServerOptions>? rpc = null, bool mapsHttp = true,
        TransportKind transport = TransportKind.Sockets) =>
        new(await TestServer.StartAsync(new TestServerSetup
        {
            Transport = transport,
            Services = services,
            Rpc = rpc,
            App = web =>
            {
                app(web);
                if (mapsHttp)
                {
                    web.MapRpcHttp();
                }
            },
        }));

    public Task<HttpAnswer> PostAsync(string path, string json, params (string Name, string Value)[] headers) =>
        PostAsync(path, new StringContent(json, Encoding.UTF8, "application/json"), headers);

    public async Task<HttpAnswer> PostAsync(string path, HttpContent? content, params (string Name, string Value)[] headers)
    {
        using HttpRequestMessage request = Request(path, content, headers);
        using HttpResponseMessage response = await _client.SendAsync(request).InTime();
        return new HttpAnswer(response, await response.Content.ReadAsByteArrayAsync().InTime());
    }

    /// <summary>Starts a request; what it gives is there when the response's headers are.</summary>
    public Task<HttpResponseMessage> StartAsync(string path, string json, CancellationToken cancellationToken, params (string Name, string Value)[] headers) =>
        _client.SendAsync(Request(path, new StringContent(json, Encoding.UTF8, "application/json"), headers), HttpCompletionOption.ResponseHeadersRead, cancellationToken);

    public async Task<HttpAnswer> GetAsync(string path)
    {
        using HttpResponseMessage response = await _client.GetAsync(path).InTime();
        return new HttpAnswer(response, await response.Content.ReadAsByteArrayAsync().InTime());
    }

    /// <summary>Calls Hello with an empty message and these headers as they stand.</summary>
    /// <returns>The first line of the response.</returns>
    public async Task<string> SendRawAsync(string headers)
    {
        using TcpClient client = new();
        await client.ConnectAsync(Server.EndPoint).InTime();
        NetworkStream stream = client.GetStream();
        string request = $"POST {Hello} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n{headers}\r\n{{}}";
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request)).InTime();
        using StreamReader reader = new(stream, Encoding.ASCII);
        return await reader.ReadLineAsync().InTime() ?? "";
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await Server.DisposeAsync();
    }

    private static HttpRequestMessage Request(string path, HttpContent? content, (string Name, string Value)[] headers)
    {
        HttpRequestMessage request = new(HttpMethod.Post, path) { Content = content };
        foreach ((string name, string value) in headers)
        {
            Assert.True(request.Headers.TryAddWithoutValidation(name, value));
        }

        return request;
    }
}

/// <summary>A response, read whole.</summary>
internal sealed class HttpAnswer(HttpResponseMessage response, byte[] body)
{
    public HttpStatusCode Status { get; } = response.StatusCode;

    public MediaTypeHeaderValue? ContentType { get; } = response.Content.Headers.ContentType;

    public byte[] Body { get; } = body;

    public string Text { get; } = Encoding.UTF8.GetString(body);

    public string? Header(string name) => response.Headers.TryGetValues(name, out IEnumerable<string>? values) ? string.Join(", ", values)
        : response.Content.Headers.TryGetValues(name, out values) ? string.Join(", ", values) : null;

    /// <summary>The member <c>code</c> of a problem, which the response must be.</summary>
    public string Code => Problem.GetProperty("code").GetString()!;

    public JsonElement Problem
    {
        get
        {
            Assert.Equal("application/problem+json", ContentType?.MediaType);
            JsonElement problem = JsonDocument.Parse(Body).RootElement;
            Assert.Equal((int)Status, problem.GetProperty("status").GetInt32());
            return problem;
        }
    }
}
