using System.Net;
using System.Net.Security;
using System.Net.WebSockets;
using System.Security.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>What Kestrel puts between the transport and HTTP: TLS, HTTP/2, WebSockets.</summary>
internal static class HttpUpgradeChecks
{
    /// <summary>ALPN picks HTTP/2 or HTTP/1.1 on one end point, as the client offers.</summary>
    public static async Task TlsWithAlpnAsync(TransportVariant transport)
    {
        await using KestrelHost host = await KestrelHost.StartAsync(transport, EchoAsync, listen => listen.UseHttps(TestCertificate.Certificate));
        foreach (Version version in new[] { HttpVersion.Version11, HttpVersion.Version20 })
        {
            using HttpClient client = host.CreateClient(version, tls: true);
            byte[] body = Payload.Create(seed: 1, 1_000_000);
            using HttpResponseMessage response = await client.PostAsync("/", new ByteArrayContent(body)).Limited();
            Assert.Equal(version, response.Version);
            Assert.Equal(body, await response.Content.ReadAsByteArrayAsync().Limited());
        }

        foreach (SslApplicationProtocol protocol in new[] { SslApplicationProtocol.Http2, SslApplicationProtocol.Http11 })
        {
            using TestClient raw = await host.ConnectAsync();
            using var tls = new SslStream(raw.CreateStream(), leaveInnerStreamOpen: false, TestCertificate.Validate);
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = "localhost",
                ApplicationProtocols = [protocol],
                EnabledSslProtocols = SslProtocols.None,
            }).Limited();
            Assert.Equal(protocol, tls.NegotiatedApplicationProtocol);
        }

        await host.StopAsync();
    }

    /// <summary>Hundreds of streams share one TLS connection, with bodies of every size, at the same time.</summary>
    public static Task Http2ManyStreamsOverTlsAsync(TransportVariant transport) =>
        ManyStreamsAsync(transport, listen => listen.UseHttps(TestCertificate.Certificate), tls: true);

    /// <summary>The same without TLS, on an end point that only speaks HTTP/2.</summary>
    public static Task Http2ManyStreamsPriorKnowledgeAsync(TransportVariant transport) =>
        ManyStreamsAsync(transport, listen => listen.Protocols = HttpProtocols.Http2, tls: false);

    /// <summary>A WebSocket echoes messages of many sizes and closes in order.</summary>
    public static async Task WebSocketEchoAsync(TransportVariant transport)
    {
        await using KestrelHost host = await KestrelHost.StartAsync(transport, EchoSocketAsync, middleware: app => app.UseWebSockets());
        using var client = new ClientWebSocket();
        using var invoker = new HttpMessageInvoker(TestClient.CreateHandler());
        await client.ConnectAsync(new Uri($"ws://{host.EndPoint}/"), invoker, CancellationToken.None).Limited();
        byte[] received = new byte[300_000];
        for (int i = 0; i < 60; i++)
        {
            int length = (i * i * 80) + 1;
            byte[] message = Payload.Create(seed: i, length);
            await client.SendAsync(message, WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None).Limited();
            int filled = 0;
            ValueWebSocketReceiveResult result;
            do
            {
                result = await client.ReceiveAsync(received.AsMemory(filled), CancellationToken.None).Limited();
                filled += result.Count;
            }
            while (!result.EndOfMessage);
            Assert.Equal(length, filled);
            Payload.Verify(received.AsSpan(0, filled), seed: i, position: 0);
        }

        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", CancellationToken.None).Limited();
        Assert.Equal(WebSocketState.Closed, client.State);
        await host.StopAsync();
    }

    private static async Task ManyStreamsAsync(TransportVariant transport, Action<ListenOptions> listen, bool tls)
    {
        const int Streams = 300;
        await using KestrelHost host = await KestrelHost.StartAsync(transport, EchoAsync, listen);
        using HttpClient client = host.CreateClient(HttpVersion.Version20, tls);
        await Task.WhenAll(Enumerable.Range(0, Streams).Select(i => Task.Run(async () =>
        {
            byte[] body = Payload.Create(seed: i, (i * 1000) + 1);
            using HttpResponseMessage response = await client.PostAsync($"/{i}", new ByteArrayContent(body)).Limited();
            Assert.Equal(HttpVersion.Version20, response.Version);
            byte[] echo = await response.Content.ReadAsByteArrayAsync().Limited();
            Assert.Equal(body.Length, echo.Length);
            Payload.Verify(echo, seed: i, position: 0);
        }))).Limited();
        await host.StopAsync();
    }

    // HttpClient reads no response before it has sent the request, so the whole body is taken first.
    private static async Task EchoAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        body.Position = 0;
        await body.CopyToAsync(context.Response.Body);
    }

    private static async Task EchoSocketAsync(HttpContext context)
    {
        using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
        byte[] buffer = new byte[16 * 1024];
        while (true)
        {
            ValueWebSocketReceiveResult result = await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None).Limited();
            if (result.MessageType == WebSocketMessageType.Close)
            {
                await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", CancellationToken.None).Limited();
                return;
            }

            await socket.SendAsync(buffer.AsMemory(0, result.Count), result.MessageType, result.EndOfMessage, CancellationToken.None).Limited();
        }
    }
}
