using System.Net;
using Hello;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>What a test changes about its server.</summary>
internal sealed class TestServerSetup
{
    public TransportKind Transport { get; init; } = TransportKind.Sockets;

    public Action<RpcServerOptions>? Rpc { get; init; }

    public Action<IServiceCollection>? Services { get; init; }

    public Action<KestrelServerOptions>? Kestrel { get; init; }

    /// <summary>The end point; by default it serves RPC and HTTP.</summary>
    public Action<ListenOptions> Listen { get; init; } = options => options.UseRpc();

    /// <summary>The application; by default the Hello method.</summary>
    public Action<WebApplication> App { get; init; } = app => app.MapHello();

    public TimeSpan ShutdownTimeout { get; init; } = TimeSpan.FromSeconds(20);
}

/// <summary>A Kestrel with RPC on a port of its own, which counts what is open.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly DateTime _started = DateTime.UtcNow;
    private int _connections;
    private volatile TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private TestServer(TestServerSetup setup)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddProvider(Logs).SetMinimumLevel(LogLevel.Debug);
        switch (setup.Transport)
        {
            case TransportKind.Epoll:
                builder.WebHost.UseEpoll();
                break;
            case TransportKind.IoUring:
                builder.WebHost.UseIoUring();
                break;
        }

        builder.Services.AddSingleton<IMemoryPoolFactory<byte>>(Memory);
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = setup.ShutdownTimeout);
        builder.Services.AddRpc(setup.Rpc);
        setup.Services?.Invoke(builder.Services);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            setup.Kestrel?.Invoke(kestrel);
            kestrel.Listen(IPAddress.Loopback, 0, options =>
            {
                options.Use(next => connection => CountAsync(next, connection));
                setup.Listen(options);
            });
        });
        _app = builder.Build();
        setup.App(_app);
    }

    public LogCollector Logs { get; } = new();

    public CountingMemoryPool Memory { get; } = new();

    public IServiceProvider Services => _app.Services;

    public IPEndPoint EndPoint { get; private set; } = new(IPAddress.None, 0);

    /// <summary>What the server says it listens on.</summary>
    public ICollection<string> Addresses => _app.Urls;

    public int OpenConnections => Volatile.Read(ref _connections);

    public static Task<TestServer> StartAsync(TransportKind transport) => StartAsync(new TestServerSetup { Transport = transport });

    public static async Task<TestServer> StartAsync(TestServerSetup setup)
    {
        TestServer server = new(setup);
        try
        {
            await server._app.StartAsync().InTime();
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }

        // The last one, if a test has added others.
        string address = server.Addresses.Last();
        server.EndPoint = new IPEndPoint(IPAddress.Loopback, new Uri(address).Port);
        return server;
    }

    public Task<RawPeer> ConnectAsync(bool tls = false) => RawPeer.ConnectAsync(EndPoint, tls);

    public Task StopAsync() => _app.StopAsync().InTime();

    /// <summary>Waits until no connection is open, then expects that all memory came back.</summary>
    public async Task ExpectNothingLeftAsync()
    {
        while (true)
        {
            Task closed = _closed.Task;
            if (OpenConnections == 0 && Memory.Rented == 0)
            {
                return;
            }

            // A transport gives its last blocks back shortly after the connection has ended, without telling anyone.
            await Task.WhenAny(closed, Task.Delay(20)).InTime();
            Assert.True(DateTime.UtcNow - _started < TimeSpan.FromMinutes(2), $"{OpenConnections} connections, {Memory.Rented} blocks");
        }
    }

    public async ValueTask DisposeAsync()
    {
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(5));
        try
        {
            await _app.StopAsync(patience.Token).InTime();
        }
        catch (OperationCanceledException)
        {
            // A call still runs, because its test has failed.
        }

        await _app.DisposeAsync().InTime();
    }

    private async Task CountAsync(ConnectionDelegate next, ConnectionContext connection)
    {
        Interlocked.Increment(ref _connections);
        try
        {
            await next(connection);
        }
        finally
        {
            Interlocked.Decrement(ref _connections);
            Interlocked.Exchange(ref _closed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
        }
    }
}

internal static class TestApp
{
    public static RpcEndpointConventionBuilder MapHello(this WebApplication app) =>
        app.MapRpc(Golden.Name, (HelloRequest request) => new HelloReply { Msg = $"Hello {request.Msg}" });
}
