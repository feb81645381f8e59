using Hello;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>A server that configuration describes. Services: helloworld, other, third, each with a method Hello.</summary>
internal sealed class ConfiguredServer : IAsyncDisposable
{
    private ConfiguredServer(WebApplication app) => App = app;

    public WebApplication App { get; }

    public LogCollector Logs { get; private init; } = new();

    public RpcServer Server => App.Services.GetRequiredService<RpcServer>();

    /// <summary>The ports, in the order in which Kestrel has bound them.</summary>
    public int[] Ports => [.. App.Urls.Select(url => new Uri(url).Port).Distinct()];

    public System.Net.IPEndPoint EndPoint => new(System.Net.IPAddress.Loopback, Ports[0]);

    public static async Task<ConfiguredServer> StartAsync(
        Action<IConfigurationBuilder> configuration, Action<WebApplicationBuilder>? more = null, Action<RpcServerOptions>? configure = null)
    {
        LogCollector logs = new();
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Configuration.Sources.Clear();
        configuration(builder.Configuration);
        builder.Logging.ClearProviders().AddProvider(logs).SetMinimumLevel(LogLevel.Debug);
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0"); // of no meaning beside end points; without any, 5000 may be somebody else's
        builder.AddRpcServer(configure);
        more?.Invoke(builder);
        ConfiguredServer server = new(builder.Build()) { Logs = logs };
        foreach (string service in new[] { "helloworld", "other", "third" })
        {
            server.App.MapRpc($"{service}/Hello", (HelloRequest request) => new HelloReply { Msg = $"{service}: {request.Msg}" });
        }

        try
        {
            await server.App.StartAsync().InTime();
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }

        return server;
    }

    public static Task<ConfiguredServer> StartAsync(params (string Key, string? Value)[] values) =>
        StartAsync(configuration => configuration.AddInMemoryCollection(values.Select(pair => KeyValuePair.Create(pair.Key, pair.Value))));

    /// <summary>What a call of a service's Hello on a port is answered with.</summary>
    public static async Task<string> HelloAsync(int port, string service)
    {
        await using RawPeer peer = await RawPeer.ConnectAsync(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, port));
        await peer.SendAsync(Golden.Call(1, "x", $"{service}/Hello"));
        RawReply reply = await peer.ReceiveAsync();
        return reply.Data.ErrorMessage ?? reply.Msg;
    }

    public async ValueTask DisposeAsync()
    {
        await App.StopAsync().InTime();
        await App.DisposeAsync().InTime();
    }
}
