using Kestrel.Rpc.Client;
using Kestrel.Rpc.Transport;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Generator.Tests;

/// <summary>A server with services on the in-process transport, and a connection to it.</summary>
internal sealed class ServiceHost : IAsyncDisposable
{
    private readonly InProcessNetwork _network = new();
    private readonly InProcessEndPoint _endPoint = new("services");
    private readonly WebApplication _app;

    private ServiceHost(Action<IServiceCollection> register, Action<WebApplication> map)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddRpc();
        register(builder.Services);
        builder.WebHost.UseInProcess(options => options.Network = _network);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(_endPoint, listen => listen.UseRpc()));
        _app = builder.Build();
        map(_app);
    }

    /// <summary>A connection of version 2.</summary>
    public RpcConnection Connection { get; private set; } = null!;

    public static async Task<ServiceHost> StartAsync(Action<IServiceCollection> register, Action<WebApplication> map)
    {
        ServiceHost host = new(register, map);
        await host._app.StartAsync().Limited();
        host.Connection = await RpcConnection.ConnectAsync(host._network, host._endPoint).Limited();
        return host;
    }

    /// <summary>A transport connection, for bytes.</summary>
    public Task<ConnectionContext> ConnectAsync() => _network.ConnectAsync(_endPoint).Limited();

    public async ValueTask DisposeAsync()
    {
        await Connection.DisposeAsync().Limited();
        await _app.StopAsync().Limited();
        await _app.DisposeAsync().Limited();
    }
}
