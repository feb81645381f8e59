using System.Buffers;
using System.IO.Pipelines;
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

    private readonly RpcCall _call;

    public PreparedCall(Action<RpcPipelineBuilder> middleware, Action<RpcEndpointConventionBuilder> filters)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddRpc();
        builder.Services.AddSingleton<PipelineCost.RegisteredMiddleware>();
        WebApplication app = builder.Build();
        app.UseRpc(middleware);
        filters(app.MapRpc<Empty, Empty>("benchmark/Call", static (_, _) => ValueTask.FromResult(Reply)));

        RpcServer server = app.Services.GetRequiredService<RpcServer>();
        server.Freeze();
        Pipe pipe = new();
        DefaultConnectionContext connection = new("benchmark", new Duplex(pipe.Reader, pipe.Writer), new Duplex(pipe.Reader, pipe.Writer));
        _call = new RpcCall(new RpcServerConnection(server, connection), isPooled: true);

        RpcRoute route = server.Dispatch.Find(new ReadOnlySequence<byte>(RpcMethodName.Parse("benchmark/Call").ProtocolData), out _)!.Route;
        byte[] request = new byte[RpcFrameHeader.Size];
        new RpcFrameHeader(1, RpcFrameType.Request, 1, 0, 0).Write(request);
        ReadOnlySequence<byte> buffer = new(request);
        RpcFrameReader.TryRead(ref buffer, RpcFrameLimits.Default, out RpcFrame frame, out _);
        _call.Start(1);
        _call.TryPrepare(route, frame);
    }

    /// <returns>Whether the call has ended with a reply.</returns>
    public bool Run()
    {
        bool hasEnded = _call.TryRun() && _call.Fault is null && _call.Reply is not null;
        _call.Reply = null;
        return hasEnded;
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
