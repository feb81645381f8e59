using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Takes the hidden end point out of the server's addresses, and checks once everything listens that the mapped methods are in order and can be reached. Not earlier: a host of the
/// <c>Startup</c> model maps them while the web server starts. An end point that serves RPC has checked them before it was bound.
/// </summary>
internal sealed class RpcStartup(RpcServer server) : IHostedLifecycleService, IDisposable
{
    private CancellationTokenRegistration _stopping;

    // Before the web server starts, because that takes the collection which it will log the addresses from.
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        if (server.Services.GetService<IServer>() is { } web && web.Features.Get<IServerAddressesFeature>() is { } addresses and not VisibleAddresses)
        {
            web.Features.Set<IServerAddressesFeature>(new VisibleAddresses(addresses));
        }

        // The host may have other things to do before it comes to StoppingAsync; or it comes there first.
        _stopping = server.Services.GetService<IHostApplicationLifetime>()?.ApplicationStopping.UnsafeRegister(
            static server => ((RpcServer)server!).OnStopBegins(), server) ?? default;
        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        server.Freeze();
        server.WarnIfUnreachable();
        return Task.CompletedTask;
    }

    // Before anything of the host stops: the end points still listen.
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        server.OnStopBegins();
        TimeSpan delay = server.Live.Drain.Delay;
        if (delay > TimeSpan.Zero)
        {
            Log.StopDelayed(server.Logger, delay);
            await Task.Delay(delay, server.TimeProvider, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        server.OnStopping();
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _stopping.Dispose();
}
