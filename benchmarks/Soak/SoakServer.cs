using System.Net;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Middleware;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Benchmarks.Soak;

/// <summary>One life of the server: methods of all shapes, and one that throws, one that takes its time.</summary>
internal sealed class SoakServer : IAsyncDisposable
{
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(20);

    private readonly WebApplication _app;

    private SoakServer(WebApplication app) => _app = app;

    public EndPoint EndPoint => new IPEndPoint(IPAddress.Loopback, new Uri(_app.Urls.First()).Port);

    public static async Task<SoakServer> StartAsync(SoakTransport transport, CountingMemoryPool memory, Tally tally)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddProvider(tally).SetMinimumLevel(LogLevel.Error);
        _ = transport switch
        {
            SoakTransport.IoUring => builder.WebHost.UseIoUring(),
            SoakTransport.Epoll => builder.WebHost.UseEpoll(),
            _ => builder.WebHost,
        };
        builder.Services.AddSingleton<IMemoryPoolFactory<byte>>(memory);
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = StopLimit);
        builder.Services.AddRpc(options =>
        {
            options.Limits.MaxBodyLength = 1 << 20;
            options.Drain.Timeout = TimeSpan.FromSeconds(2);
        });
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Use(next => async connection =>
            {
                Interlocked.Increment(ref tally.Connections);
                try
                {
                    await next(connection);
                }
                finally
                {
                    Interlocked.Decrement(ref tally.Connections);
                }
            });
            listen.UseRpc();
        }));
        SoakServer server = new(builder.Build());
        Map(server._app, tally);
        await server._app.StartAsync();
        return server;
    }

    /// <summary>Stops as a host does: what is not over in time is a fault.</summary>
    public async Task StopAsync(Tally tally)
    {
        try
        {
            await _app.StopAsync();
        }
        catch (OperationCanceledException)
        {
            tally.Fault("The host did not stop in time.");
        }
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static void Map(WebApplication app, Tally tally)
    {
        app.UseRpc(rpc => rpc.Use(async (call, next) =>
        {
            bool hasStreams = call.Shape != RpcMethodShape.Unary;
            Interlocked.Increment(ref tally.Handlers);
            Interlocked.Add(ref tally.Streams, hasStreams ? 1 : 0);
            try
            {
                await next(call);
            }
            finally
            {
                Interlocked.Add(ref tally.Streams, hasStreams ? -1 : 0);
                Interlocked.Decrement(ref tally.Handlers);
            }
        }));
        app.MapRpc("soak/Echo", (BytesValue request) => request);
        app.MapRpc("soak/Slow", async (Int32Value milliseconds, CancellationToken token) =>
        {
            await Task.Delay(milliseconds.Value, token);
            return milliseconds;
        });
        app.MapRpc("soak/Throw", Int32Value (Int32Value request) => throw new MeantException());
        app.MapRpc("soak/Count", (Int32Value last) => CountTo(last.Value));
        app.MapRpc("soak/Sum", async (IRpcStreamReader<Int32Value> numbers) =>
        {
            int sum = 0;
            while (await numbers.MoveNextAsync())
            {
                sum = unchecked(sum + numbers.Current.Value);
            }

            return new Int32Value { Value = sum };
        });
        app.MapRpc("soak/Mirror", async (IRpcStreamReader<BytesValue> requests, IRpcStreamWriter<BytesValue> replies) =>
        {
            while (await requests.MoveNextAsync())
            {
                await replies.WriteAsync(requests.Current);
            }
        });
    }

    private static async IAsyncEnumerable<Int32Value> CountTo(int last)
    {
        for (int i = 1; i <= last; i++)
        {
            if (i % 50 == 0)
            {
                await Task.Yield();
            }

            yield return new Int32Value { Value = i };
        }
    }
}
