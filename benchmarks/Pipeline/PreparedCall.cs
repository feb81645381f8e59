using System.Buffers;
using System.IO.Pipelines;
using System.Security.Claims;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Middleware;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Benchmarks.Pipeline;

/// <summary>A call of a server without transport, whose pipeline runs as often as wanted.</summary>
internal sealed class PreparedCall
{
    private static readonly Empty Reply = new();

    private static readonly ClaimsPrincipal Caller = new(new ClaimsIdentity([new Claim(ClaimTypes.Role, "ops")], "benchmark"));

    private readonly RpcCall _call;

    public PreparedCall(
        Action<RpcPipelineBuilder> middleware, Action<RpcEndpointConventionBuilder> filters, RpcDelegate? handler = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddRpc();
        builder.Services.AddSingleton<PipelineCost.RegisteredMiddleware>();
        builder.Services.AddAuthorization();
        WebApplication app = builder.Build();
        app.UseRpc(middleware);
        RpcServer server = app.Services.GetRequiredService<RpcServer>();
        RpcDelegate last = handler ?? Answer;
        RpcMethodName name = RpcMethodName.Parse("benchmark/Call");
        RpcBoundHandler bound = new(RpcRequestParsers.Create<Empty>(), last);
        filters(new RpcEndpointConventionBuilder(server.Map(name, RpcHandlerMethod.Of(last), bound).Conventions));
        server.Freeze();
        Pipe pipe = new();
        DefaultConnectionContext connection = new("benchmark", new Duplex(pipe.Reader, pipe.Writer), new Duplex(pipe.Reader, pipe.Writer));
        _call = new RpcCall(new RpcServerConnection(server, connection, server.Dispatch) { User = Caller }, isPooled: true);

        RpcRoute route = server.Dispatch.Find(new ReadOnlySequence<byte>(name.ProtocolData), out _)!.Route;
        _call.Start(1, receivedAt: 0);
        _call.TryPrepare(route, ReadOnlySequence<byte>.Empty);
    }

    public static RpcDelegate Answer { get; } = static call =>
    {
        call.Reply = Reply;
        return default;
    };

    /// <returns>Whether the call has ended with a reply.</returns>
    public bool Run()
    {
        bool hasEnded = _call.TryRun() && _call.Fault is null && _call.Reply is not null;
        _call.Reply = null;
        return hasEnded;
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
