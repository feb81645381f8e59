using Kestrel.Rpc.Client;
using Kestrel.Rpc.Transport;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Analyzers.Tests;

/// <summary>A server without a port, and a connection to it.</summary>
internal sealed class InProcessServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private InProcessServer(WebApplication app, RpcConnection connection)
    {
        _app = app;
        Connection = connection;
    }

    public RpcConnection Connection { get; }

    public static async Task<InProcessServer> StartAsync(Action<WebApplication> map, Action<IServiceCollection>? services = null)
    {
        InProcessNetwork network = new();
        InProcessEndPoint endPoint = new("test");
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseInProcess(options => options.Network = network);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(endPoint, listen => listen.UseRpc()));
        builder.Services.AddRpc(options => options.EnableDetailedErrors = true);
        services?.Invoke(builder.Services);
        WebApplication app = builder.Build();
        map(app);
        await app.StartAsync().InTime();
        return new InProcessServer(app, await RpcConnection.ConnectAsync(network, endPoint).InTime());
    }

    public async ValueTask DisposeAsync()
    {
        await Connection.DisposeAsync().InTime();
        await _app.StopAsync().InTime();
        await _app.DisposeAsync().InTime();
    }
}
