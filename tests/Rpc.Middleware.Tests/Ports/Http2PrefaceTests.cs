using System.Buffers.Binary;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>The preface of HTTP/2 in pieces, what only looks like one, and how such connections end.</summary>
public sealed class Http2PrefaceTests
{
    private const int Settings = 4;
    private const int GoAway = 7;

    [Fact]
    public async Task Preface_CutAtEveryByte_IsServed()
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup { App = OnePort.MapAll });
        byte[] start = [.. OnePort.Preface, .. OnePort.EmptySettings];
        for (int cut = 1; cut < start.Length; cut++)
        {
            await using RawPeer peer = await server.ConnectAsync();
            await peer.SendAsync(start.AsMemory(0, cut));
            await Task.Yield();
            await peer.SendAsync(start.AsMemory(cut));

            await peer.ReceiveHttp2Async(Settings);
        }
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Preface_ByteByByte_IsServed(TransportKind transport)
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup { App = OnePort.MapAll, Transport = transport });
        await using RawPeer peer = await server.ConnectAsync();
        byte[] start = [.. OnePort.Preface, .. OnePort.EmptySettings];
        for (int i = 0; i < start.Length; i++)
        {
            await peer.SendAsync(start.AsMemory(i, 1));
        }

        await peer.ReceiveHttp2Async(Settings);
    }

    [Fact]
    public async Task Preface_CutAtEveryByteThenEnd_EndsAndLeavesNothing()
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup { App = OnePort.MapAll });
        for (int length = 1; length < OnePort.Preface.Length; length++)
        {
            await using RawPeer peer = await server.ConnectAsync();
            await peer.SendAsync(OnePort.Preface.AsMemory(0, length));
            peer.EndSending();

            // What HTTP/1 has to say to it, if anything.
            await peer.ReceiveUntilClosedAsync();
        }

        await server.ExpectNothingLeftAsync();
        Assert.Empty(server.Logs.Ours);
    }

    [Fact]
    public async Task Preface_OneByteIsAnother_GoesToHttp1AtOnce()
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup { App = OnePort.MapAll });
        for (int position = 0; position < OnePort.Preface.Length; position++)
        {
            byte[] bytes = [.. OnePort.Preface];
            bytes[position] = (byte)'\0';
            await using RawPeer peer = await server.ConnectAsync();
            await peer.SendAsync(bytes.AsMemory(0, position + 1));
            peer.EndSending();

            // HTTP/1 answers, or closes silently; to a whole line "PRI * HTTP/2.0" Kestrel's sends a frame that asks for HTTP/1.
            string answer = await peer.ReceiveUntilClosedAsync();
            Assert.True(answer.Length == 0 || position >= 15 || answer.StartsWith("HTTP/1.1 ", StringComparison.Ordinal), answer);
        }

        await server.ExpectNothingLeftAsync();
        Assert.Empty(server.Logs.Ours);
    }

    [Theory]
    [InlineData("POST /shop.Prices/Find HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")]
    [InlineData("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")]
    [InlineData("PRINT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")]
    [InlineData("PRI * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")]
    public async Task Request_BeginsAsThePreface_CutAtEveryByte_IsAnsweredByHttp1(string request)
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup { App = OnePort.MapAll });
        byte[] bytes = Encoding.ASCII.GetBytes(request);
        for (int cut = 1; cut < 20; cut++)
        {
            await using RawPeer peer = await server.ConnectAsync();
            await peer.SendAsync(bytes.AsMemory(0, cut));
            await peer.SendAsync(bytes.AsMemory(cut));

            Assert.StartsWith("HTTP/1.1 ", await peer.ReceiveUntilClosedAsync(), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(23)]
    public async Task Preface_PeerStallsInIt_IsClosedWithOneLine(int length)
    {
        ManualTime time = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = OnePort.MapAll,
            Services = services => services.AddSingleton<TimeProvider>(time),
            Rpc = rpc => rpc.Connections.SniffTimeout = TimeSpan.FromSeconds(5),
        });
        await using RawPeer peer = await server.ConnectAsync();
        await peer.SendAsync(OnePort.Preface.AsMemory(0, length));
        await time.WaitForTimersAsync(1);

        time.Advance(TimeSpan.FromSeconds(5));

        await peer.ExpectEndAsync();
        await server.ExpectNothingLeftAsync();
        Assert.Equal(11, Assert.Single(server.Logs.Ours).Id);
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Http2_HostStopsWhileARequestRuns_PeerIsToldAndRequestIsAnswered(TransportKind transport)
    {
        TaskCompletionSource started = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource open = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Transport = transport,
            App = app => app.MapGet("/", async () =>
            {
                started.SetResult();
                await open.Task;
                return "answered";
            }),
        });
        await using RawPeer idle = await server.ConnectAsync();
        await idle.SendAsync((byte[])[.. OnePort.Preface, .. OnePort.EmptySettings]);
        await idle.ReceiveHttp2Async(Settings);
        using HttpClient http = OnePort.Client(server.EndPoint, HttpVersion.Version20);
        Task<string> request = http.GetStringAsync(new Uri("/", UriKind.Relative)).InTime();
        await started.Task.InTime();

        Task stop = server.StopAsync();
        byte[] goodbye = await idle.ReceiveHttp2Async(GoAway);
        open.SetResult();

        Assert.Equal(0u, BinaryPrimitives.ReadUInt32BigEndian(goodbye.AsSpan(4))); // NO_ERROR
        Assert.Equal("answered", await request);
        await stop;
        await server.ExpectNothingLeftAsync();
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Http2_ShutdownTimeIsOver_ConnectionIsAborted(TransportKind transport)
    {
        TaskCompletionSource started = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Transport = transport,
            ShutdownTimeout = TimeSpan.FromMilliseconds(200),
            App = app => app.MapGet("/", async (HttpContext context) =>
            {
                started.SetResult();
                await Task.Delay(Timeout.Infinite, context.RequestAborted);
            }),
        });
        using HttpClient http = OnePort.Client(server.EndPoint, HttpVersion.Version20);
        Task<string> request = http.GetStringAsync(new Uri("/", UriKind.Relative)).InTime();
        await started.Task.InTime();

        await server.StopAsync();

        await Assert.ThrowsAsync<HttpRequestException>(() => request);
        await server.ExpectNothingLeftAsync();
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Http2_PeerEndsOrResets_LeavesNothing(TransportKind transport)
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup { App = OnePort.MapAll, Transport = transport });
        byte[] start = [.. OnePort.Preface, .. OnePort.EmptySettings];
        await using RawPeer ending = await server.ConnectAsync();
        await using RawPeer resetting = await server.ConnectAsync();
        await ending.SendAsync(start);
        await resetting.SendAsync(start);
        await ending.ReceiveHttp2Async(Settings);
        await resetting.ReceiveHttp2Async(Settings);

        ending.EndSending();
        resetting.Reset();

        await ending.ReceiveUntilClosedAsync();
        await server.ExpectNothingLeftAsync();
        Assert.Empty(server.Logs.Ours);
    }
}
