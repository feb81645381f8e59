using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>HTTP/1.1 over a plain socket, where every byte is seen.</summary>
internal static class Http1Checks
{
    /// <summary>Many requests one after the other use one connection.</summary>
    public static async Task KeepAliveAsync(TransportVariant transport)
    {
        var connections = new ConcurrentDictionary<string, bool>();
        await using KestrelHost host = await KestrelHost.StartAsync(transport, context =>
        {
            connections[context.Connection.Id] = true;
            return context.Response.WriteAsync(context.Request.Path);
        });
        using TestClient client = await host.ConnectAsync();
        using var reader = new StreamReader(client.CreateStream(), Encoding.ASCII);
        for (int i = 0; i < 200; i++)
        {
            await client.SendAsync(Request($"/{i}"));
            Assert.Equal($"/{i}", await ReadChunkedAsync(reader));
        }

        Assert.Single(connections);
        client.Fin();
        await host.StopAsync();
    }

    /// <summary>Requests that come in one piece are answered in their order.</summary>
    public static async Task PipeliningAsync(TransportVariant transport)
    {
        const int Requests = 1000;
        await using KestrelHost host = await KestrelHost.StartAsync(transport, context => context.Response.WriteAsync(context.Request.Path));
        using TestClient client = await host.ConnectAsync();
        using var reader = new StreamReader(client.CreateStream(), Encoding.ASCII);
        Task sending = client.SendAsync(Enumerable.Range(0, Requests).SelectMany(i => Request($"/{i}").ToArray()).ToArray());
        for (int i = 0; i < Requests; i++)
        {
            Assert.Equal($"/{i}", await ReadChunkedAsync(reader));
        }

        await sending;
        client.Fin();
        await host.StopAsync();
    }

    /// <summary>A client that resets in the middle of its request is noticed by the request's token.</summary>
    public static async Task ClientResetFiresRequestAbortedAsync(TransportVariant transport)
    {
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var aborted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using KestrelHost host = await KestrelHost.StartAsync(transport, async context =>
        {
            using (context.RequestAborted.Register(() => aborted.TrySetResult()))
            {
                entered.SetResult();
                await aborted.Task.Limited();
            }
        });
        using TestClient client = await host.ConnectAsync();
        await client.SendAsync("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\nabc"u8.ToArray());
        await entered.Task.Limited();
        client.Reset();
        await aborted.Task.Limited();
        await host.StopAsync();
    }

    /// <summary>An abort in the middle of the response is an error for the client, not a short body.</summary>
    public static async Task ServerAbortResetsTheClientAsync(TransportVariant transport)
    {
        await using KestrelHost host = await KestrelHost.StartAsync(transport, async context =>
        {
            context.Response.ContentLength = 1_000_000;
            await context.Response.Body.WriteAsync(new byte[1000]);
            await context.Response.Body.FlushAsync();
            context.Abort();
        });
        using TestClient client = await host.ConnectAsync();
        await client.SendAsync(Request("/"));
        Assert.Equal(SocketError.ConnectionReset, await client.ReceiveErrorAsync());
        using HttpClient http = host.CreateClient();
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => http.GetByteArrayAsync("/").Limited());
        await host.StopAsync();
    }

    /// <summary>
    /// Kestrel's minimum rates cut off a client that sends too slowly and one that reads too slowly. Both wait for
    /// Kestrel's own clock, so they wait together.
    /// </summary>
    public static async Task SlowClientsAreCutOffAsync(TransportVariant transport)
    {
        // Every byte that the kernel's buffers take earns time at this rate, so it is high.
        var rate = new MinDataRate(bytesPerSecond: 100_000_000, gracePeriod: TimeSpan.FromSeconds(1.1));
        await using KestrelHost host = await KestrelHost.StartAsync(
            transport,
            async context =>
            {
                if (context.Request.Path == "/up")
                {
                    await context.Request.BodyReader.DrainAsync();
                    return;
                }

                byte[] piece = new byte[64 * 1024];
                while (!context.RequestAborted.IsCancellationRequested)
                {
                    await context.Response.Body.WriteAsync(piece);
                }
            },
            configure: options => (options.Limits.MinRequestBodyDataRate, options.Limits.MinResponseDataRate) = (rate, rate));
        using TestClient sender = await host.ConnectAsync();
        await sender.SendAsync("POST /up HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\nabc"u8.ToArray());
        using TestClient receiver = await TestClient.ConnectAsync(host.EndPoint, socket => socket.ReceiveBufferSize = 16 * 1024);
        await receiver.SendAsync(Request("/down"));
        using var reader = new StreamReader(sender.CreateStream(), Encoding.ASCII);
        Assert.Equal("HTTP/1.1 408 Request Timeout", await reader.ReadLineAsync().Limited());

        // Reads nothing until the server has given up.
        await Eventually.TrueAsync(() => host.Host.Logs.Lines.Any(line => line.Message.Contains("response was not read by the client", StringComparison.Ordinal)));
        Assert.Equal(SocketError.ConnectionReset, await receiver.ReceiveErrorAsync());
        await host.StopAsync();
    }

    /// <summary>A stop of the host lets the request that runs finish, refuses new connections, and then ends.</summary>
    public static async Task StopWaitsForTheRequestAsync(TransportVariant transport)
    {
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var finish = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using KestrelHost host = await KestrelHost.StartAsync(transport, async context =>
        {
            entered.SetResult();
            await finish.Task.Limited();
            await context.Response.WriteAsync("done");
        });
        using HttpClient client = host.CreateClient();
        Task<string> request = client.GetStringAsync("/");
        await entered.Task.Limited();
        Task stopping = host.StopAsync();
        await Eventually.TrueAsync(async () =>
        {
            try
            {
                using TestClient late = await host.ConnectAsync();
                return false;
            }
            catch (SocketException)
            {
                return true;
            }
        });
        Assert.False(stopping.IsCompleted);
        finish.SetResult();
        Assert.Equal("done", await request.Limited());
        await stopping.Limited();
    }

    private static ReadOnlyMemory<byte> Request(string path) => Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n");

    // Kestrel chunks what has no length; our bodies are one chunk.
    private static async Task<string> ReadChunkedAsync(StreamReader reader)
    {
        Assert.Equal("HTTP/1.1 200 OK", await reader.ReadLineAsync().Limited());
        while (await reader.ReadLineAsync().Limited() is { Length: > 0 })
        {
            // Headers.
        }

        await reader.ReadLineAsync().Limited();
        string? body = await reader.ReadLineAsync().Limited();
        Assert.Equal("0", await reader.ReadLineAsync().Limited());
        Assert.Equal("", await reader.ReadLineAsync().Limited());
        return body!;
    }
}
