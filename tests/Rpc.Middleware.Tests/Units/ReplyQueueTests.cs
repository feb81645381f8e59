using System.IO.Pipelines;
using Hello;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>How replies leave a connection, seen from its output.</summary>
public sealed class ReplyQueueTests
{
    private static readonly RpcBoundHandler Hello = new(
        RpcRequestParsers.Create<HelloRequest>(),
        context => RpcReplyResults.FromMessage(context, new HelloReply { Msg = $"Hello {((HelloRequest)context.Request).Msg}" }));

    [Fact]
    public async Task InlineCalls_OfOneRead_LeaveWithOneFlush()
    {
        StrictPipeWriter output = new();
        await using MemoryConnection connection = MemoryConnection.Start(output, Hello, Inline);

        await connection.Requests.WriteAsync(Repeat(Golden.Request, 10));
        await output.WaitForAsync(10 * Golden.Reply.Length);

        Assert.Equal(Repeat(Golden.Reply, 10), Assert.Single(output.Flushes));
        Assert.Null(output.Misuse);
    }

    [Fact]
    public async Task InlineCalls_FlushEachReply_LeaveOneByOne()
    {
        StrictPipeWriter output = new();
        await using MemoryConnection connection = MemoryConnection.Start(output, Hello, options =>
        {
            Inline(options);
            options.Connections.FlushEachReply = true;
        });

        await connection.Requests.WriteAsync(Repeat(Golden.Request, 10));
        await output.WaitForAsync(10 * Golden.Reply.Length);

        Assert.Equal(Enumerable.Repeat(Golden.Reply, 10), output.Flushes);
        Assert.Null(output.Misuse);
    }

    [Fact]
    public async Task Replies_MadeWhileAFlushIsPending_LeaveTogetherWithTheNext()
    {
        StrictPipeWriter output = new();
        TaskCompletionSource[] gates = [.. Enumerable.Range(0, 5).Select(_ => new TaskCompletionSource())];
        RpcBoundHandler handler = new(RpcRequestParsers.Create<HelloRequest>(), async context =>
        {
            await gates[context.SequenceId].Task;
            await Hello.Handler(context);
        });
        await using MemoryConnection connection = MemoryConnection.Start(output, handler, Inline);
        await connection.Requests.WriteAsync(Enumerable.Range(0, 5).SelectMany(i => Golden.Call((uint)i)).ToArray());

        // Each gate runs its call to the end on this thread; only the first finds the output free.
        output.Hold();
        foreach (TaskCompletionSource gate in gates)
        {
            gate.SetResult();
        }

        Assert.Single(output.Flushes);
        output.Release();
        await output.WaitForAsync(5 * Golden.Reply.Length);

        Assert.Equal([Golden.Reply.Length, 4 * Golden.Reply.Length], output.Flushes.Select(flush => flush.Length));
        Assert.Null(output.Misuse);
    }

    [Fact]
    public async Task Output_TakesNothing_NothingMoreIsReadUntilItDoes()
    {
        StrictPipeWriter output = new();
        int calls = 0;
        RpcBoundHandler handler = new(RpcRequestParsers.Create<HelloRequest>(), context =>
        {
            calls++;
            return Hello.Handler(context);
        });
        await using MemoryConnection connection = MemoryConnection.Start(output, handler, Inline);

        output.Hold();
        await connection.Requests.WriteAsync(Golden.Request);
        await connection.Requests.WriteAsync(Golden.Request);
        await output.WaitForAsync(Golden.Reply.Length);
        Assert.Equal(1, calls);
        output.Release();
        await output.WaitForAsync(2 * Golden.Reply.Length);

        Assert.Equal(2, calls);
        Assert.Null(output.Misuse);
    }

    [Fact]
    public async Task InlineCalls_LongRepliesAndOutputTakesNothing_FewAreWritten()
    {
        const int ReplyLength = 20_000;
        StrictPipeWriter output = new();
        HelloReply reply = new() { Msg = new string('x', ReplyLength) };
        int calls = 0;
        RpcBoundHandler handler = new(RpcRequestParsers.Create<HelloRequest>(), context =>
        {
            calls++;
            return RpcReplyResults.FromMessage(context, reply);
        });
        await using MemoryConnection connection = MemoryConnection.Start(output, handler, Inline);

        output.Hold();
        await connection.Requests.WriteAsync(Repeat(Golden.Request, 50));
        await output.WaitForAsync(OutputQueue.BytesPerFlush);
        Assert.Equal(4, calls);
        output.Release();
        await output.WaitForAsync(50 * ReplyLength);

        Assert.All(output.Flushes, flush => Assert.InRange(flush.Length, 0, OutputQueue.BytesPerFlush + ReplyLength + 100));
        Assert.Equal(50, calls);
        Assert.Null(output.Misuse);
    }

    [Fact]
    public async Task Replies_LongAndQueuedWhileAFlushIsPending_LeaveInBoundedFlushesInOrder()
    {
        const int ReplyLength = 20_000;
        StrictPipeWriter output = new();
        HelloReply reply = new() { Msg = new string('x', ReplyLength) };
        TaskCompletionSource[] gates = [.. Enumerable.Range(0, 20).Select(_ => new TaskCompletionSource())];
        RpcBoundHandler handler = new(RpcRequestParsers.Create<HelloRequest>(), async context =>
        {
            await gates[context.SequenceId].Task;
            context.Reply = reply;
        });
        await using MemoryConnection connection = MemoryConnection.Start(output, handler, Inline);
        await connection.Requests.WriteAsync(Enumerable.Range(0, 20).SelectMany(i => Golden.Call((uint)i)).ToArray());

        output.Hold();
        foreach (TaskCompletionSource gate in gates)
        {
            gate.SetResult();
        }

        output.Release();
        await output.WaitForAsync(20 * ReplyLength);

        Assert.All(output.Flushes, flush => Assert.InRange(flush.Length, 0, OutputQueue.BytesPerFlush + ReplyLength + 100));
        byte[] all = [.. output.Flushes.SelectMany(flush => flush)];
        IEnumerable<uint> ids = all.Chunk(all.Length / 20)
            .Select(frame => System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(frame.AsSpan(4)));
        Assert.Equal(Enumerable.Range(0, 20).Select(i => (uint)i), ids);
        Assert.Null(output.Misuse);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Output_Breaks_CallsAreCancelledAndTheConnectionEnds(bool isException)
    {
        StrictPipeWriter output = new()
        {
            FlushResult = () => isException
                ? ValueTask.FromException<FlushResult>(new IOException("broken"))
                : ValueTask.FromResult(new FlushResult(isCanceled: false, isCompleted: true)),
        };
        TaskCompletionSource cancelled = new(TaskCreationOptions.RunContinuationsAsynchronously);
        RpcBoundHandler handler = new(RpcRequestParsers.Create<HelloRequest>(), async context =>
        {
            if (context.SequenceId == 1)
            {
                using CancellationTokenRegistration registration = context.CancellationToken.Register(cancelled.SetResult);
                await cancelled.Task;
            }

            await Hello.Handler(context);
        });
        await using MemoryConnection connection = MemoryConnection.Start(output, handler);

        await connection.Requests.WriteAsync((byte[])[.. Golden.Call(1), .. Golden.Call(2)]);

        await cancelled.Task.InTime();
        await connection.Running.InTime();
        Assert.Equal(Golden.Reply.Length, output.FlushedBytes);
    }

    [Theory]
    [InlineData(RpcScheduling.ThreadPool, false)]
    [InlineData(RpcScheduling.ThreadPool, true)]
    [InlineData(RpcScheduling.Inline, false)]
    public async Task Stress_ManyThreadsAndSlowFlushes_OutputHasOneUserAndEveryReply(RpcScheduling scheduling, bool flushEach)
    {
        const int Rounds = 200;
        const int Batch = 50;
        StrictPipeWriter output = new() { FlushResult = async () => await YieldAsync() };
        RpcBoundHandler handler = new(RpcRequestParsers.Create<HelloRequest>(), async context =>
        {
            if (context.SequenceId % 2 == 0)
            {
                await Task.Yield();
            }

            await Hello.Handler(context);
        });
        await using MemoryConnection connection = MemoryConnection.Start(output, handler, options =>
        {
            options.Scheduling = scheduling;
            options.Connections.FlushEachReply = flushEach;
            options.Limits.MaxConcurrentCallsPerConnection = 64;
        });

        for (int round = 0; round < Rounds; round++)
        {
            byte[] requests = [.. Enumerable.Range(round * Batch, Batch).SelectMany(i => Golden.Call((uint)i))];
            await connection.Requests.WriteAsync(requests).InTime();
        }

        await output.WaitForAsync(Rounds * Batch * Golden.Reply.Length);
        Assert.Null(output.Misuse);
        Assert.Equal(Rounds * Batch * Golden.Reply.Length, output.FlushedBytes);
        IEnumerable<uint> ids = output.Flushes.SelectMany(flush => flush.Chunk(Golden.Reply.Length))
            .Select(frame => System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(frame.AsSpan(4)));
        Assert.Equal(Enumerable.Range(0, Rounds * Batch).Select(i => (uint)i), ids.Order());

        static async ValueTask<FlushResult> YieldAsync()
        {
            await Task.Yield();
            return default;
        }
    }

    private static void Inline(RpcServerOptions options) => options.Scheduling = RpcScheduling.Inline;

    private static byte[] Repeat(byte[] bytes, int count) => [.. Enumerable.Repeat(bytes, count).SelectMany(item => item)];
}
