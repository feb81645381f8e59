using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>What the tests of one port have in common.</summary>
internal static class OnePort
{
    public static readonly byte[] Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();

    // 9 bytes: length 0, type 4, no flags, stream 0
    public static readonly byte[] EmptySettings = [0, 0, 0, 4, 0, 0, 0, 0, 0];

    /// <summary>The Hello method, and over HTTP: the protocol, an echo with trailers as gRPC has them, a WebSocket.</summary>
    public static void MapAll(WebApplication app)
    {
        app.UseWebSockets();
        app.MapHello();
        app.MapGet("/", (HttpContext context) => context.Request.Protocol);
        app.MapPost("/shop.Prices/Find", async context =>
        {
            context.Response.ContentType = "application/grpc";
            context.Response.DeclareTrailer("grpc-status");
            await context.Response.StartAsync();
            await context.Request.BodyReader.CopyToAsync(context.Response.BodyWriter);
            context.Response.AppendTrailer("grpc-status", "0");
        });
        app.MapGet("/socket", async context =>
        {
            using System.Net.WebSockets.WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
            byte[] buffer = new byte[64];
            System.Net.WebSockets.WebSocketReceiveResult received = await socket.ReceiveAsync(buffer, context.RequestAborted);
            await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, true, context.RequestAborted);
            await socket.CloseAsync(System.Net.WebSockets.WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
        });
    }

    /// <summary>A client that speaks this version and no other.</summary>
    public static HttpClient Client(EndPoint endPoint, Version version)
    {
        SocketsHttpHandler handler = new()
        {
            ConnectCallback = async (_, cancellationToken) =>
            {
                Socket socket = new(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(endPoint, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        return new HttpClient(handler)
        {
            BaseAddress = new Uri("http://localhost"),
            DefaultRequestVersion = version,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Timeout = TimeLimits.Limit,
        };
    }

    /// <summary>The next frame of HTTP/2: its type, its flags, its payload.</summary>
    public static async Task<(int Type, int Flags, byte[] Payload)> ReceiveHttp2Async(this RawPeer peer)
    {
        byte[] header = await peer.ReceiveExactlyAsync(9);
        int length = (header[0] << 16) | BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(1));
        return (header[3], header[4], length == 0 ? [] : await peer.ReceiveExactlyAsync(length));
    }

    /// <summary>Reads frames until there is one of this type.</summary>
    public static async Task<byte[]> ReceiveHttp2Async(this RawPeer peer, int type)
    {
        while (true)
        {
            (int received, _, byte[] payload) = await peer.ReceiveHttp2Async();
            if (received == type)
            {
                return payload;
            }
        }
    }

    /// <summary>What the server sends until it closes. A reset, because it has not read everything, ends it as well.</summary>
    public static async Task<string> ReceiveUntilClosedAsync(this RawPeer peer)
    {
        StringBuilder received = new();
        try
        {
            while (await peer.TryReceiveByteAsync() is { } next)
            {
                received.Append((char)next);
            }
        }
        catch (IOException)
        {
            // The reset.
        }

        return received.ToString();
    }
}
