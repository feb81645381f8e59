using System.IO.Pipelines;
using Google.Protobuf;
using Hello;
using Kestrel.Rpc.Invocation;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>A call as an invocation costs what a call of a delegate costs: its messages.</summary>
[Collection(nameof(AllocationTests))]
public sealed class SourceAllocationTests
{
    private const int Batch = 100;
    private const int Rounds = 200;

    private static readonly HelloReply Reply = new() { Msg = "Hello world" };
    private static readonly IInvocationHandler<HelloRequest, HelloReply> Handler = InvocationHandler.FromFunction((HelloRequest _) => Reply);
    private static readonly IInvocationHandler<RpcContext, IMessage> CallHandler = InvocationHandler.FromFunction(IMessage (RpcContext _) => Reply);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Handler_CompletesSynchronously_AllocatesWhatADelegateDoes(int version) =>
        Assert.InRange(await MeasureAsync(version, Behind(Handler)) - await MeasureAsync(version, Delegate), -1, 1);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task HandlerOfWholeCalls_CompletesSynchronously_AllocatesWhatADelegateDoes(int version) =>
        Assert.InRange(await MeasureAsync(version, app => app.MapRpc<HelloRequest>(Golden.Name, CallHandler)) - await MeasureAsync(version, Delegate), -1, 1);

    // Both have tasks that wait, from pools of the runtime, which are hit or missed by chance.
    [Theory]
    [InlineData(1, false)]
    [InlineData(1, true)]
    [InlineData(2, false)]
    [InlineData(2, true)]
    public async Task Source_ServedByALoop_AllocatesNoMoreThanAnAsynchronousDelegate(int version, bool continuesInline) =>
        Assert.InRange(await MeasureAsync(version, Served(continuesInline)) - await MeasureAsync(version, AsynchronousDelegate), -1000, 50);

    [Fact]
    public async Task Handler_OfADelegateCallback_IsSeenByTheMeasurement() =>
        Assert.True(await MeasureAsync(1, Behind(Handler.Around((invocation, inner) => inner.HandleAsync(Wrapped(invocation))))) - await MeasureAsync(1, Delegate) > 20);

    private static Invocation<HelloRequest, HelloReply> Wrapped(Invocation<HelloRequest, HelloReply> invocation) =>
        new(invocation.Argument, result => invocation.Reply(result.Value));

    private static void Delegate(WebApplication app) =>
        app.MapRpc<HelloRequest, HelloReply>(Golden.Name, static (_, call) => ValueTask.FromResult(call.CancellationToken.IsCancellationRequested ? null! : Reply));

    private static void AsynchronousDelegate(WebApplication app) => app.MapRpc<HelloRequest, HelloReply>(Golden.Name, static async (_, _) =>
    {
        await Task.Yield();
        return Reply;
    });

    private static Action<WebApplication> Behind(IInvocationHandler<HelloRequest, HelloReply> handler) => app => app.MapRpc(Golden.Name, handler);

    private static Action<WebApplication> Served(bool continuesInline) => app =>
        _ = new InvocationServer<HelloRequest, HelloReply>(
            app.MapRpcSource<HelloRequest, HelloReply>(Golden.Name, new RpcSourceOptions { ContinuesInline = continuesInline }), Handler).RunAsync();

    private static async Task<double> MeasureAsync(int version, Action<WebApplication> map)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddRpc(options => options.Scheduling = RpcScheduling.Inline);
        await using WebApplication app = builder.Build();
        map(app);
        RpcServer server = app.Services.GetRequiredService<RpcServer>();
        server.Freeze();

        CountingPipeWriter output = new();
        Pipe requests = new(new PipeOptions(readerScheduler: PipeScheduler.Inline, useSynchronizationContext: false));
        Duplex transport = new(requests.Reader, output);
        Task running = new RpcServerConnection(server, new DefaultConnectionContext("memory", transport, transport), server.Dispatch).RunAsync();
        double bytes = await (version == 1
            ? MeasureAsync(requests.Writer, output, [.. Enumerable.Repeat(Golden.Request, Batch).SelectMany(frame => frame)], Golden.Reply.Length)
            : MeasureVersion2Async(requests.Writer, output));
        await requests.Writer.CompleteAsync();
        await running.InTime();
        return bytes;
    }

    private static async Task<double> MeasureVersion2Async(PipeWriter requests, CountingPipeWriter output)
    {
        int reply = Protocol.RpcFrameHeader.Size + Reply.CalculateSize();
        await requests.WriteAsync(Version2Frames.Hello(1, index: 1));
        while (output.Flushed <= reply)
        {
            Thread.Yield(); // the settings and the first reply
        }

        byte[] batch = [.. Enumerable.Range(10, Batch).SelectMany(id => Version2Frames.HelloByIndex((uint)id, 1))];
        return await MeasureAsync(requests, output, batch, reply);
    }

    private static async Task<double> MeasureAsync(PipeWriter requests, CountingPipeWriter output, byte[] batch, int replyLength)
    {
        long least = long.MaxValue;

        // The least of several: other work of the process allocates, too.
        for (int attempt = 0; attempt < 10; attempt++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            for (int round = 0; round < Rounds; round++)
            {
                long expected = output.Flushed + (Batch * replyLength);
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
}
