using Hello;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Invocation;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>A server whose Hello is a source that the test receives from, and a client of it.</summary>
internal sealed class SourceServer : IAsyncDisposable
{
    public static readonly RpcMethod<HelloRequest, HelloReply> Hello = RpcMethod.Unary<HelloRequest, HelloReply>("helloworld", "Hello");

    private SourceServer(TestServer server, RpcMethodSource<HelloRequest, HelloReply> source, RpcConnection client)
    {
        Server = server;
        Source = source;
        Client = client;
    }

    public TestServer Server { get; }

    public RpcMethodSource<HelloRequest, HelloReply> Source { get; }

    public RpcConnection Client { get; }

    public static async Task<SourceServer> StartAsync(
        RpcSourceOptions? options = null,
        int version = 2,
        TestServerSetup? setup = null,
        Action<WebApplication>? app = null,
        TimeProvider? time = null)
    {
        RpcMethodSource<HelloRequest, HelloReply>? source = null;
        setup ??= new TestServerSetup();
        time ??= TimeProvider.System;
        TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Transport = setup.Transport,
            Rpc = setup.Rpc,
            Services = services => services.AddSingleton(time),
            ShutdownTimeout = setup.ShutdownTimeout,
            App = host =>
            {
                app?.Invoke(host);
                source = host.MapRpcSource<HelloRequest, HelloReply>(Golden.Name, options);
            },
        });
        RpcConnection client = await RpcConnection.ConnectAsync(server.EndPoint, new RpcConnectionOptions { ProtocolVersion = version, TimeProvider = time }).InTime();
        return new SourceServer(server, source!, client);
    }

    /// <summary>Makes a call, and leaves it to whoever receives.</summary>
    public Task<HelloReply> CallAsync(string text, RpcCallOptions options = default) =>
        Client.CallAsync(Hello, new HelloRequest { Msg = text }, options).AsTask();

    public Task<Invocation<HelloRequest, HelloReply>> ReceiveAsync() => Source.ReceiveAsync().InTime();

    /// <summary>Waits until so many calls wait to be received.</summary>
    public async Task WaitForCountAsync(int count)
    {
        using CancellationTokenSource patience = new(TimeLimits.Limit);
        while (Source.Count != count)
        {
            await Task.Yield();
            Assert.False(patience.IsCancellationRequested, $"{Source.Count} calls wait, and not {count}.");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        Source.Dispose();
        await Server.DisposeAsync();
    }
}
