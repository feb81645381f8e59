using System.Diagnostics.Metrics;
using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>A call costs its messages and nothing more.</summary>
[Collection(nameof(AllocationTests)), CollectionDefinition(nameof(AllocationTests), DisableParallelization = true)]
public sealed class AllocationTests
{
    private const int Batch = 100;
    private const int Rounds = 200;

    private static readonly HelloReply Reply = new() { Msg = "Hello world" };

    [Fact]
    public async Task InlineCalls_SynchronousHandler_AllocateTheRequestMessageOnly()
    {
        RpcBoundHandler handler = new(
            RpcRequestParsers.Create<HelloRequest>(), context => RpcReplyResults.FromMessage(context, Reply));

        Assert.InRange(await MeasureAsync(handler, RpcScheduling.Inline), 0, RequestBytes());
    }

    [Fact]
    public async Task InlineCalls_BoundDelegateAndMiddleware_AllocateTheRequestMessageOnly()
    {
        await using TestServer server = await TestServer.StartAsync(TransportKind.Sockets);
        RpcBoundHandler bound = new RpcDelegateBinder(RpcNames.Parse(Golden.Name, "name"), server.Services)
            .Bind((HelloRequest _, TimeProvider _, CancellationToken _) => Reply);
        RpcBoundHandler handler = bound with { Handler = context => bound.Handler(context) };

        Assert.InRange(await MeasureAsync(handler, RpcScheduling.Inline), 0, RequestBytes());
    }

    [Fact]
    public async Task PoolCalls_SynchronousHandler_AllocateTheRequestMessageOnly()
    {
        RpcBoundHandler handler = new(
            RpcRequestParsers.Create<HelloRequest>(), context => RpcReplyResults.FromMessage(context, Reply));

        // The pool's own queue grows by a segment now and then; that is not per call.
        Assert.InRange(await MeasureAsync(handler, RpcScheduling.ThreadPool), 0, RequestBytes() + 16);
    }

    [Theory]
    [InlineData(RpcScheduling.Inline)]
    [InlineData(RpcScheduling.ThreadPool)]
    public async Task Version2Calls_HandlerWithATokenAndATimeLimit_AllocateTheRequestMessageOnly(RpcScheduling scheduling)
    {
        RpcBoundHandler handler = new(
            RpcRequestParsers.Create<HelloRequest>(),
            context =>
            {
                context.CancellationToken.ThrowIfCancellationRequested();
                return RpcReplyResults.FromMessage(context, Reply);
            });
        byte[] define = Version2Frames.Hello(1, index: 1);
        byte[] plain = Version2Frames.HelloByIndex(2, 1);
        byte[] timed = Version2Frames.HelloByIndex(3, 1, timeout: TimeSpan.FromMinutes(1));
        byte[] requests = [.. Enumerable.Repeat((byte[][])[plain, timed], Batch / 2).SelectMany(pair => pair).SelectMany(frame => frame)];
        for (int i = 0, at = 0; i < Batch; i++)
        {
            RpcFrameHeader.WriteSequenceId(requests.AsSpan(at), (uint)(10 + i)); // of one read each its own
            at += i % 2 == 0 ? plain.Length : timed.Length;
        }

        int reply = RpcFrameHeader.Size + Google.Protobuf.MessageExtensions.ToByteArray(Reply).Length;
        Assert.InRange(
            await MeasureAsync(handler, scheduling, requests, reply, define), 0, RequestBytes() + (scheduling == RpcScheduling.ThreadPool ? 16 : 0));
    }

    /// <summary>With all instruments listened to and both versions; tags are made with the first calls.</summary>
    [Theory]
    [InlineData(1, RpcScheduling.Inline)]
    [InlineData(2, RpcScheduling.Inline)]
    [InlineData(2, RpcScheduling.ThreadPool)]
    public async Task Calls_EveryInstrumentIsListenedTo_AllocateTheRequestMessageOnly(int version, RpcScheduling scheduling)
    {
        RpcBoundHandler handler = new(RpcRequestParsers.Create<HelloRequest>(), context => RpcReplyResults.FromMessage(context, Reply));
        long measured = 0;
        using MeterListener listener = ListenToAll(() => Interlocked.Increment(ref measured));

        double bytes = version == 1
            ? await MeasureAsync(handler, scheduling)
            : await MeasureAsync(
                handler,
                scheduling,
                [.. Enumerable.Range(0, Batch).SelectMany(i => Version2Frames.HelloByIndex((uint)(10 + i), 1))],
                RpcFrameHeader.Size + Google.Protobuf.MessageExtensions.ToByteArray(Reply).Length,
                Version2Frames.Hello(1, index: 1));

        Assert.InRange(bytes, 0, RequestBytes() + (scheduling == RpcScheduling.ThreadPool ? 16 : 0));
        Assert.True(measured >= 6 * Batch * Rounds, $"{measured} measurements"); // duration, queue, two sizes, active twice
    }

    /// <summary>Listens to every instrument of every server of the process.</summary>
    internal static MeterListener ListenToAll(Action onMeasured)
    {
        MeterListener listener = new();
        listener.InstrumentPublished = (instrument, meters) =>
        {
            if (instrument.Meter.Name == RpcServerTelemetry.MeterName)
            {
                meters.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<double>((_, _, _, _) => onMeasured());
        listener.SetMeasurementEventCallback<long>((_, _, _, _) => onMeasured());
        listener.Start();
        return listener;
    }

    // The message and its text, as this runtime lays them out.
    private static double RequestBytes()
    {
        byte[] body = Golden.Request[^7..];
        HelloRequest.Parser.ParseFrom(body);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            HelloRequest.Parser.ParseFrom(body);
        }

        return ((GC.GetAllocatedBytesForCurrentThread() - before) / 1000.0) + 1;
    }

    private static Task<double> MeasureAsync(RpcBoundHandler handler, RpcScheduling scheduling) =>
        MeasureAsync(handler, scheduling, [.. Enumerable.Repeat(Golden.Request, Batch).SelectMany(item => item)], Golden.Reply.Length, []);

    private static async Task<double> MeasureAsync(RpcBoundHandler handler, RpcScheduling scheduling, byte[] requests, int replyLength, byte[] first)
    {
        CountingPipeWriter output = new();
        await using MemoryConnection connection = MemoryConnection.Start(output, handler, options => options.Scheduling = scheduling);
        long least = long.MaxValue;
        if (first.Length > 0)
        {
            await connection.Requests.WriteAsync(first);
            while (output.Flushed <= replyLength)
            {
                Thread.Yield(); // the settings and the first reply
            }
        }

        // The least of several: other work of the process allocates, too.
        for (int attempt = 0; attempt < 10; attempt++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            for (int round = 0; round < Rounds; round++)
            {
                long expected = output.Flushed + (Batch * replyLength);
                await connection.Requests.WriteAsync(requests);
                while (output.Flushed < expected)
                {
                    Thread.Yield();
                }
            }

            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        return (double)least / (Batch * Rounds);
    }
}
