using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Calls of version 2 of a connection that nobody reads.</summary>
internal static class DetachedCalls
{
    public static Func<RpcCall> Create()
    {
        ServiceCollection services = new();
        services.AddLogging();
        services.AddRpc();
        RpcServer server = services.BuildServiceProvider().GetRequiredService<RpcServer>();
        server.Freeze();
        Pipe pipe = new();
        DuplexPipe transport = new(pipe.Reader, pipe.Writer);
        RpcServerConnection connection = new(server, new DefaultConnectionContext("memory", transport, transport), server.Dispatch);
        RpcVersion2Session session = new(connection);
        return () => new RpcCall(connection, isPooled: true, session);
    }

    private sealed record DuplexPipe(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
