using Microsoft.Extensions.Hosting;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Checks once everything listens that the mapped methods are in order and can be reached. Not earlier: a host of the
/// <c>Startup</c> model maps them while the web server starts. An end point that serves RPC has checked them before it was bound.
/// </summary>
internal sealed class RpcStartup(RpcServer server) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        server.Freeze();
        server.WarnIfUnreachable();
        return Task.CompletedTask;
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
