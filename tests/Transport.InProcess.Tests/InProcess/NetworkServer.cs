using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>A listener in a network of its own, or in one that is shared, without anything that accepts.</summary>
internal sealed class NetworkServer : IAsyncDisposable, IDisposable
{
    private readonly WebApplication _host;

    private NetworkServer(WebApplication host, IConnectionListener listener, InProcessNetwork network)
    {
        _host = host;
        Factory = host.Services.GetServices<IConnectionListenerFactory>().Last();
        Listener = listener;
        Network = network;
    }

    /// <summary>The transport, as Kestrel would find it.</summary>
    public IConnectionListenerFactory Factory { get; }

    public IConnectionListener Listener { get; }

    public InProcessNetwork Network { get; }

    public EndPoint EndPoint => Listener.EndPoint;

    public static async Task<NetworkServer> BindAsync(
        EndPoint endPoint, InProcessNetwork? network = null, Action<InProcessTransportOptions>? configure = null)
    {
        network ??= new InProcessNetwork();
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseInProcess(options =>
        {
            options.Network = network;
            options.ClaimEveryEndPoint = true;
            configure?.Invoke(options);
        });
        WebApplication host = builder.Build();
        try
        {
            var factory = host.Services.GetServices<IConnectionListenerFactory>().Last();
            return new NetworkServer(host, await factory.BindAsync(endPoint).Limited(), network);
        }
        catch
        {
            // Not handed over.
            await host.DisposeAsync();
            throw;
        }
    }

    public ValueTask<ConnectionContext> ConnectAsync(CancellationToken cancellationToken = default) =>
        Network.ConnectAsync(EndPoint, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await Listener.DisposeAsync().Limited();
        await _host.DisposeAsync().Limited();
    }

    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();
}
