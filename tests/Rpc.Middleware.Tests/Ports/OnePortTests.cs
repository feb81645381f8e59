using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Hello;
using Kestrel.Rpc.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>RPC, HTTP/1, WebSockets and HTTP/2 with prior knowledge on one port without TLS.</summary>
public sealed class OnePortTests
{
    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task OnePort_EveryProtocolAtOnce_EachIsServed(TransportKind transport)
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup { Transport = transport, App = OnePort.MapAll });

        await Task.WhenAll(Enumerable.Range(0, 4).SelectMany(_ => new[]
        {
            ExpectHttpAsync(server, HttpVersion.Version11),
            ExpectHttpAsync(server, HttpVersion.Version20),
            ExpectTrailersAsync(server),
            ExpectWebSocketAsync(server),
            ExpectRpcAsync(server, 1),
            ExpectRpcAsync(server, 2),
        })).InTime();

        await server.ExpectNothingLeftAsync();
        Assert.Empty(server.Logs.Ours);
        Assert.DoesNotContain(server.Logs.All, line => line.Level >= LogLevel.Warning);
    }

    [Fact]
    public async Task HiddenEndPoint_ServerHasStarted_IsInNoAddressAndNoLogLine()
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup { App = OnePort.MapAll });

        Assert.Equal([$"http://127.0.0.1:{server.EndPoint.Port}"], server.Addresses);
        Assert.Contains($"http://127.0.0.1:{server.EndPoint.Port}", server.Addresses);
        Assert.True(server.Addresses.IsReadOnly);
        Assert.Single(server.Logs.All, line => line.Message.StartsWith("Now listening on", StringComparison.Ordinal));
        Assert.DoesNotContain(server.Logs.All, line => line.Message.Contains(HiddenEndPoint.Name, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Http2_OneConnectionAllowed_IsCountedOnceByLimitAndMetrics()
    {
        long active = 0;
        long most = 0;
        using MeterListener meters = new()
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == "kestrel.active_connections")
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        int port = 0;
        meters.SetMeasurementEventCallback<long>((_, change, tags, _) =>
        {
            // The process may run other servers.
            if (tags.ToArray().Any(tag => tag is { Key: "server.port", Value: int number } && number == Volatile.Read(ref port)))
            {
                most = Math.Max(most, Interlocked.Add(ref active, change));
            }
        });
        meters.Start();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = OnePort.MapAll,
            Kestrel = kestrel => kestrel.Limits.MaxConcurrentConnections = 1,
        });
        Volatile.Write(ref port, server.EndPoint.Port);
        using (HttpClient http = OnePort.Client(server.EndPoint, HttpVersion.Version20))
        {
            Assert.Equal("HTTP/2", await http.GetStringAsync(new Uri("/", UriKind.Relative)).InTime());
            Assert.Equal((1, 1), (Interlocked.Read(ref active), most));

            await using RawPeer second = await server.ConnectAsync();
            await second.ExpectEndAsync();
        }

        await server.ExpectNothingLeftAsync();
    }

    [Fact]
    public async Task Http2_ConnectionOfTheEndPoint_KeepsItsIdentityAndFeatures()
    {
        string? id = null;
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Listen = options =>
            {
                options.Use(next => connection =>
                {
                    id = connection.ConnectionId;
                    connection.Items["mark"] = "left here";
                    connection.Features.Set(new Mark());
                    return next(connection);
                });
                options.UseRpc();
            },
            App = app => app.MapGet("/", (HttpContext context) => string.Join(
                ' ',
                context.Connection.Id,
                context.Features.Get<IConnectionItemsFeature>()?.Items["mark"],
                context.Features.Get<Mark>() is not null,
                context.Connection.LocalPort,
                context.Connection.RemotePort,
                context.Features.Get<IConnectionSocketFeature>() is not null,
                context.Request.Scheme)),
        });
        int remotePort = 0;
        using SocketsHttpHandler handler = new()
        {
            ConnectCallback = async (_, cancellationToken) =>
            {
                Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(server.EndPoint, cancellationToken);
                remotePort = ((IPEndPoint)socket.LocalEndPoint!).Port;
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        using HttpClient http = new(handler)
        {
            DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };

        string seen = await http.GetStringAsync(new Uri("http://localhost/")).InTime();

        Assert.Equal($"{id} left here True {server.EndPoint.Port} {remotePort} True http", seen);
    }

    [Theory]
    [InlineData(HttpProtocols.Http1AndHttp2, true)]
    [InlineData(HttpProtocols.Http2, true)]
    [InlineData(HttpProtocols.Http1, false)]
    public async Task Http2_ProtocolsOfTheEndPoint_SayWhetherItIsServed(HttpProtocols protocols, bool isServed)
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = OnePort.MapAll,
            Listen = options =>
            {
                options.UseRpc();
                options.Protocols = protocols;
            },
        });
        using HttpClient http = OnePort.Client(server.EndPoint, HttpVersion.Version20);

        Task<string> request = http.GetStringAsync(new Uri("/", UriKind.Relative)).InTime();

        if (isServed)
        {
            Assert.Equal("HTTP/2", await request);
        }
        else
        {
            await Assert.ThrowsAsync<HttpRequestException>(() => request);
        }

        await ExpectRpcAsync(server, 2);
        Assert.Empty(server.Logs.Ours);
    }

    [Fact]
    public async Task Http2_MiddlewareFollowsUseRpc_IsNotPassedBy()
    {
        int passed = 0;
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = OnePort.MapAll,
            Listen = options =>
            {
                options.UseRpc();
                options.Use(next => connection =>
                {
                    Interlocked.Increment(ref passed);
                    return next(connection);
                });
            },
        });

        for (int i = 0; i < 3; i++)
        {
            using HttpClient http = OnePort.Client(server.EndPoint, HttpVersion.Version20);
            await Assert.ThrowsAsync<HttpRequestException>(() => http.GetStringAsync(new Uri("/", UriKind.Relative)).InTime());
        }

        await ExpectHttpAsync(server, HttpVersion.Version11);
        Assert.Equal(4, passed);
        LogLine line = Assert.Single(server.Logs.Ours);
        Assert.Equal((13, LogLevel.Warning), (line.Id, line.Level));
    }

    [Fact]
    public async Task UnixSocketAndSecondPort_EachServesEverything()
    {
        string path = Path.Combine(Path.GetTempPath(), $"ports-{Guid.NewGuid():N}.sock");
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = OnePort.MapAll,
            Kestrel = kestrel =>
            {
                kestrel.ListenUnixSocket(path, options => options.UseRpc());
                kestrel.Listen(IPAddress.Loopback, 0, options => options.UseRpc());
            },
        });

        foreach (Version version in new[] { HttpVersion.Version11, HttpVersion.Version20 })
        {
            using HttpClient unix = OnePort.Client(new UnixDomainSocketEndPoint(path), version);
            Assert.Equal(version == HttpVersion.Version20 ? "HTTP/2" : "HTTP/1.1", await unix.GetStringAsync(new Uri("/", UriKind.Relative)).InTime());
            using HttpClient second = OnePort.Client(new IPEndPoint(IPAddress.Loopback, new Uri(server.Addresses.ElementAt(1)).Port), version);
            Assert.Equal(version == HttpVersion.Version20 ? "HTTP/2" : "HTTP/1.1", await second.GetStringAsync(new Uri("/", UriKind.Relative)).InTime());
            await ExpectHttpAsync(server, version);
        }

        Assert.Equal(3, server.Addresses.Count);
    }

    private static async Task ExpectHttpAsync(TestServer server, Version version)
    {
        using HttpClient http = OnePort.Client(server.EndPoint, version);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(version == HttpVersion.Version20 ? "HTTP/2" : "HTTP/1.1", await http.GetStringAsync(new Uri("/", UriKind.Relative)).InTime());
        }
    }

    private static async Task ExpectTrailersAsync(TestServer server)
    {
        // 00: not compressed; 00 00 00 64: length 100; the message
        byte[] message = [0, 0, 0, 0, 100, .. new byte[100]];
        using HttpClient http = OnePort.Client(server.EndPoint, HttpVersion.Version20);
        using HttpRequestMessage request = new(HttpMethod.Post, new Uri("/shop.Prices/Find", UriKind.Relative))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(message),
        };
        request.Headers.TE.ParseAdd("trailers");
        request.Content.Headers.ContentType = new("application/grpc");

        using HttpResponseMessage response = await http.SendAsync(request).InTime();

        Assert.Equal(message, await response.Content.ReadAsByteArrayAsync().InTime());
        Assert.Equal("0", response.TrailingHeaders.GetValues("grpc-status").Single());
    }

    private static async Task ExpectWebSocketAsync(TestServer server)
    {
        using ClientWebSocket socket = new();
        await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{server.EndPoint.Port}/socket"), CancellationToken.None).InTime();
        await socket.SendAsync("over a socket"u8.ToArray(), WebSocketMessageType.Text, true, CancellationToken.None).InTime();
        byte[] buffer = new byte[64];
        WebSocketReceiveResult received = await socket.ReceiveAsync(buffer, CancellationToken.None).InTime();
        Assert.Equal("over a socket", Encoding.UTF8.GetString(buffer, 0, received.Count));
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None).InTime();
    }

    private static async Task ExpectRpcAsync(TestServer server, int version)
    {
        await using RpcConnection connection =
            await RpcConnection.ConnectAsync(server.EndPoint, new RpcConnectionOptions { ProtocolVersion = version }).InTime();
        for (int i = 0; i < 3; i++)
        {
            HelloReply reply = await connection.CallAsync<HelloRequest, HelloReply>("helloworld", "Hello", new HelloRequest { Msg = $"{i}" }).AsTask().InTime();
            Assert.Equal($"Hello {i}", reply.Msg);
        }
    }

    private sealed class Mark;
}
