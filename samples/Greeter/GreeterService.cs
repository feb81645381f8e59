using Kestrel.Rpc.Middleware;
using Kestrel.Rpc.Protocol;

namespace GreeterSample;

/// <summary>The server's side: one override for each method of greeter.proto.</summary>
internal sealed class GreeterService : Greeter.GreeterBase
{
    public override ValueTask<HelloReply> Hello(HelloRequest request, RpcContext context) => new(Greet(request));

    public override async ValueTask Repeat(RepeatRequest request, IRpcStreamWriter<HelloReply> replies, RpcContext context)
    {
        for (int time = 1; time <= request.Times; time++)
        {
            await replies.WriteAsync(new HelloReply { Msg = $"Hello {request.Msg}, {time}" }, context.CancellationToken);
        }
    }

    public override async ValueTask<HelloReply> HelloAll(IRpcStreamReader<HelloRequest> requests, RpcContext context)
    {
        List<string> names = [];
        await foreach (HelloRequest request in requests.ReadAllAsync(context.CancellationToken))
        {
            names.Add(request.Msg);
        }

        return new HelloReply { Msg = $"Hello {string.Join(" and ", names)}" };
    }

    public override async ValueTask Meet(IRpcStreamReader<HelloRequest> requests, IRpcStreamWriter<HelloReply> replies, RpcContext context)
    {
        await foreach (HelloRequest request in requests.ReadAllAsync(context.CancellationToken))
        {
            await replies.WriteAsync(Greet(request), context.CancellationToken);
        }
    }

    public override ValueTask Leave(HelloRequest request, RpcContext context)
    {
        Console.WriteLine($"{request.Msg} has left");
        return ValueTask.CompletedTask;
    }

    private static HelloReply Greet(HelloRequest request) => new() { Msg = $"Hello {request.Msg}" };
}
