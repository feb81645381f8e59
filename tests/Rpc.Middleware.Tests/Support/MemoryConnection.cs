using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>A connection without a transport, for looking at the server's own part: writes, flushes, allocations.</summary>
internal sealed class MemoryConnection : IDuplexPipe, IAsyncDisposable
{
    private readonly Pipe _toServer = new(new PipeOptions(readerScheduler: PipeScheduler.Inline, useSynchronizationContext: false));
    private readonly ServiceProvider _services;

    private MemoryConnection(ServiceProvider services, RpcServer server, PipeWriter output)
    {
        _services = services;
        Output = output;
        Running = new RpcServerConnection(server, new DefaultConnectionContext("memory", this, this), server.Dispatch).RunAsync();
    }

    /// <summary>Where a test writes requests.</summary>
    public PipeWriter Requests => _toServer.Writer;

    /// <summary>Ends with the connection.</summary>
    public Task Running { get; }

    public PipeReader Input => _toServer.Reader;

    public PipeWriter Output { get; }

    public static MemoryConnection Start(
        PipeWriter output, RpcBoundHandler handler, Action<RpcServerOptions>? configure = null, string name = Golden.Name)
    {
        ServiceCollection services = new();
        services.AddLogging();
        services.AddRpc(configure);
        ServiceProvider provider = services.BuildServiceProvider();
        RpcServer server = provider.GetRequiredService<RpcServer>();
        server.Map(RpcNames.Parse(name, nameof(name)), RpcHandlerMethod.Of(handler.Handler), handler);
        server.Freeze();
        return new MemoryConnection(provider, server, output);
    }

    public async ValueTask DisposeAsync()
    {
        await Requests.CompleteAsync();
        await Running.InTime();
        await _services.DisposeAsync();
    }
}
