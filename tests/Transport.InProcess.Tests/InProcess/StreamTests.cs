using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>The client's side as a stream, and HTTP over it.</summary>
public sealed class StreamTests
{
    [Fact]
    public async Task Stream_RandomPieces_CarriesEveryByteBothWays()
    {
        await using ConnectionServer server = await ConnectionServer.StartAsync(TransportVariants.All[0], Handlers.EchoAsync);
        await using (Stream stream = await InProcessNetwork.Default.ConnectStreamAsync(server.EndPoint).Limited())
        {
            const int Length = 2_000_000;
            var random = new Random(1);
            Task writing = Task.Run(async () =>
            {
                for (int position = 0; position < Length;)
                {
                    byte[] piece = new byte[Math.Min(Length - position, random.Next(1, 100_000))];
                    Payload.Fill(piece, seed: 1, position);
                    await stream.WriteAsync(piece).Limited();
                    position += piece.Length;
                }
            });
            byte[] buffer = new byte[30_000];
            for (int position = 0, turn = 0; position < Length; turn++)
            {
                if (turn % 5 == 0)
                {
                    Assert.Equal(0, await stream.ReadAsync(Memory<byte>.Empty).Limited()); // only waits
                }

                int count = await stream.ReadAsync(buffer.AsMemory(0, 1 + (turn % buffer.Length))).Limited();
                Assert.NotEqual(0, count);
                Payload.Verify(buffer.AsSpan(0, count), seed: 1, position);
                position += count;
            }

            await writing.Limited();
        }

        await server.StopAsync();
    }

    /// <summary>HTTP clients dispose of a stream whose read waits; the server finds an orderly end.</summary>
    [Fact]
    public async Task Dispose_ReadAndWriteWait_BothFailAndServerSeesTheEnd()
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using ConnectionServer server = await ConnectionServer.StartAsync(
            TransportVariants.All[0],
            async connection =>
            {
                var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                connection.ConnectionClosed.Register(closed.SetResult);
                await closed.Task.Limited();
                await connection.Transport.Input.DrainAsync();
                ended.SetResult();
            },
            new TransportSettings { MaxReadBufferSize = 10 });
        Stream stream = await InProcessNetwork.Default.ConnectStreamAsync(server.EndPoint).Limited();
        Task read = stream.ReadAsync(new byte[10]).AsTask();
        Task write = stream.WriteAsync(new byte[100]).AsTask();
        Assert.False(read.IsCompleted);
        Assert.False(write.IsCompleted);
        await stream.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => read.Limited());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => write.Limited());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => stream.ReadAsync(new byte[1]).Limited());
        await ended.Task.Limited();
        await server.StopAsync();
    }

    [Fact]
    public async Task Write_ServerGone_Throws()
    {
        await using ConnectionServer server = await ConnectionServer.StartAsync(TransportVariants.All[0], _ => Task.CompletedTask);
        await using Stream stream = await InProcessNetwork.Default.ConnectStreamAsync(server.EndPoint).Limited();
        Assert.Equal(0, await stream.ReadAsync(new byte[1]).Limited());
        await stream.WriteAsync(new byte[1]).Limited(); // as with a socket
        await Assert.ThrowsAsync<IOException>(() => stream.WriteAsync(new byte[1]).Limited());
    }

    [Fact]
    public async Task Cancel_PendingRead_NextReadGetsTheBytes()
    {
        var write = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using ConnectionServer server = await ConnectionServer.StartAsync(TransportVariants.All[0], async connection =>
        {
            await write.Task.Limited();
            await connection.Transport.Output.WriteAsync(new byte[] { 7 });
        });
        await using Stream stream = await InProcessNetwork.Default.ConnectStreamAsync(server.EndPoint).Limited();
        using var cancellation = new CancellationTokenSource();
        Task<int> read = stream.ReadAsync(new byte[1], cancellation.Token).AsTask();
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read.Limited());
        write.SetResult();
        byte[] buffer = new byte[1];
        Assert.Equal(1, await stream.ReadAsync(buffer).Limited());
        Assert.Equal(7, buffer[0]);
    }

    /// <summary>A web application on a name: Kestrel reports a valid URI, and an HttpClient reaches it.</summary>
    [Fact]
    public async Task Http_OnAName_IsServedAndAddressIsAUri()
    {
        var network = new InProcessNetwork();
        var endPoint = new InProcessEndPoint("orders");
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseInProcess(options => options.Network = network);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(endPoint));
        await using WebApplication app = builder.Build();
        app.Run(context => context.Response.WriteAsync($"{context.Request.Host}{context.Request.Path}"));
        await app.StartAsync().Limited();

        string address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        Assert.Equal("http://in-process/orders", new Uri(address).ToString());

        using var handler = new SocketsHttpHandler { UseProxy = false, ConnectCallback = (_, token) => network.ConnectStreamAsync(endPoint, token) };
        using var client = new HttpClient(handler) { Timeout = TimeLimit.Current };
        Assert.Equal("orders/42", await client.GetStringAsync(new Uri("http://orders/42")).Limited());
        await app.StopAsync().Limited();
        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetStringAsync(new Uri("http://orders/42")).Limited());
    }
}
