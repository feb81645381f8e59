using System.IO.Pipelines;
using Hello;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Middleware and filters that pass a call on cost it no memory, whatever their form.</summary>
[Collection(nameof(AllocationTests))]
public sealed class PipelineAllocationTests
{
    private const int Batch = 100;
    private const int Rounds = 200;

    private static readonly HelloReply Reply = new() { Msg = "Hello world" };

    public static TheoryData<string> Forms => ["delegates", "classes"];

    [Theory, MemberData(nameof(Forms))]
    public async Task InlineCalls_MiddlewareAndFilters_AllocateWhatTheHandlerAloneDoes(string form) =>
        Assert.InRange(await MeasureAsync(form, RpcScheduling.Inline) - await MeasureAsync("none", RpcScheduling.Inline), -1, 1);

    // The pool's own queue grows by a segment now and then; that is not per call.
    [Theory, MemberData(nameof(Forms))]
    public async Task PoolCalls_MiddlewareAndFilters_AllocateWhatTheHandlerAloneDoes(string form) =>
        Assert.InRange(await MeasureAsync(form, RpcScheduling.ThreadPool) - await MeasureAsync("none", RpcScheduling.ThreadPool), -17, 17);

    // The handler's own task is the same with and without; its pool of them differs by chance.
    [Theory, MemberData(nameof(Forms))]
    public async Task PendingCalls_MiddlewareAndFilters_AllocateWhatTheHandlerAloneDoes(string form) =>
        Assert.InRange(
            await MeasureAsync(form, RpcScheduling.Inline, isPending: true) - await MeasureAsync("none", RpcScheduling.Inline, isPending: true), -50, 50);

    [Fact]
    public async Task InlineCalls_FilterPerCall_IsSeenByTheMeasurement() =>
        Assert.True(await MeasureAsync("transient", RpcScheduling.Inline) - await MeasureAsync("none", RpcScheduling.Inline) > 20);

    private static async Task<double> MeasureAsync(string form, RpcScheduling scheduling, bool isPending = false)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddRpc(options => options.Scheduling = scheduling);
        builder.Services.AddSingleton<Middleware>().AddTransient<PerCall>();
        await using WebApplication app = builder.Build();
        Map(app, form, isPending ? AnswerLaterAsync : static (_, _) => ValueTask.FromResult(Reply));
        RpcServer server = app.Services.GetRequiredService<RpcServer>();
        server.Freeze();

        CountingPipeWriter output = new();
        Pipe requests = new(new PipeOptions(readerScheduler: PipeScheduler.Inline, useSynchronizationContext: false));
        Duplex transport = new(requests.Reader, output);
        Task running = new RpcServerConnection(server, new DefaultConnectionContext("memory", transport, transport), server.Dispatch).RunAsync();
        double bytes = await MeasureAsync(requests.Writer, output);
        await requests.Writer.CompleteAsync();
        await running.InTime();
        return bytes;
    }

    private static async ValueTask<HelloReply> AnswerLaterAsync(HelloRequest request, RpcContext call)
    {
        await Task.Yield();
        return Reply;
    }

    private static void Map(WebApplication app, string form, RpcHandler<HelloRequest, HelloReply> handler)
    {
        RpcGroupBuilder group = app.MapRpcGroup("helloworld");
        RpcEndpointConventionBuilder method = group.MapRpc("Hello", handler);
        switch (form)
        {
            case "delegates":
                app.UseRpc(rpc => rpc
                    .Use((call, next) => next(call))
                    .Use(next => call => next(call))
                    .AddRpcFilter((call, next) => next(call)));
                group.AddRpcFilterFactory((_, next) => call => next(call));
                method.AddRpcFilter((call, next) => next(call));
                break;
            case "classes":
                app.UseRpc(rpc => rpc.Use<Middleware>().Use<ByConvention>().AddRpcFilter<Filter>());
                group.AddRpcFilter<Filter>();
                method.AddRpcFilter(new Filter(TimeProvider.System));
                break;
            case "transient":
                method.AddRpcFilter<PerCall>();
                break;
        }
    }

    private static async Task<double> MeasureAsync(PipeWriter requests, CountingPipeWriter output)
    {
        byte[] batch = [.. Enumerable.Repeat(Golden.Request, Batch).SelectMany(item => item)];
        long least = long.MaxValue;

        // The least of several: other work of the process allocates, too.
        for (int attempt = 0; attempt < 10; attempt++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            for (int round = 0; round < Rounds; round++)
            {
                long expected = output.Flushed + (Batch * Golden.Reply.Length);
                await requests.WriteAsync(batch);
                while (output.Flushed < expected)
                {
                    Thread.Yield();
                }
            }

            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        return (double)least / (Batch * Rounds);
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    private sealed class Middleware : IRpcMiddleware
    {
        public ValueTask InvokeAsync(RpcContext context, RpcDelegate next) => next(context);
    }

    private sealed class ByConvention(RpcDelegate next)
    {
        public ValueTask InvokeAsync(RpcContext context) => next(context);
    }

    private sealed class Filter(TimeProvider time) : IRpcFilter
    {
        public ValueTask InvokeAsync(RpcContext context, RpcDelegate next) => time is null ? default : next(context);
    }

    private sealed class PerCall : IRpcFilter
    {
        public ValueTask InvokeAsync(RpcContext context, RpcDelegate next) => next(context);
    }
}
