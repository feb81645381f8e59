using System.IO.Pipelines;
using Google.Protobuf;
using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>A CREDIT that is queued when the connection ends.</summary>
public sealed class CreditAfterEndTests
{
    // The writer's thread is held where it could be preempted at any time: between the flush of the last reply and the CREDIT behind it.
    [Fact]
    public async Task Credit_QueuedBehindTheLastReply_ConnectionEndsAfterIt()
    {
        TaskCompletionSource<Holding> connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource<bool> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Listen = options =>
            {
                options.Use(next => async connection =>
                {
                    Holding transport = new(connection.Transport);
                    connection.Transport = transport;
                    connected.SetResult(transport);
                    await next(connection);
                    bool isBeingWritten = transport.IsInSpan;
                    await transport.CompleteAsync(); // as Kestrel does next
                    ended.SetResult(isBeingWritten);
                });
                options.UseRpc();
            },
            App = app =>
            {
                app.MapRpc("test/Held", (HelloRequest request) =>
                {
                    connected.Task.Result.HoldsFlush = true;
                    return new HelloReply();
                });
            },
        });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        byte[] body = StreamServer.Bytes(60_000).ToByteArray();
        Holding output = await connected.Task.InTime();
        int sent = 0;
        int cost = body.Length + 16;
        while (sent + cost < 2 * 1024 * 1024)
        {
            await peer.SendAsync(Version2Frames.Data(99, RpcCallBits.None, body));
            sent += cost;
        }

        // Its reply is in a flush that does not return yet, while DATA makes a CREDIT due.
        await peer.SendAsync(Version2Frames.Hello(1, name: "test/Held"));
        Assert.True(await output.Flushing.WaitAsync(TimeLimits.Limit));
        byte[] last = Version2Frames.Data(99, RpcCallBits.None, body);
        Task read = output.WaitForConsumedAsync(last.Length); // what came before was, or the call would not run
        await peer.SendAsync(last);
        await read.InTime();
        output.HoldsSpan = true;
        output.GoOn.Release();
        Assert.True(await output.InSpan.WaitAsync(TimeLimits.Limit));
        peer.Raw.EndSending();
        await output.InputOver.Task.InTime();
        output.HoldsSpan = false;
        output.GoOn.Release();
        Assert.False(await ended.Task.InTime(), "The connection has ended while its output was written.");
    }

    /// <summary>The output of a connection, which stands still when told to; its input tells what was read.</summary>
    private sealed class Holding(IDuplexPipe inner) : PipeWriter, IDuplexPipe
    {
        public volatile bool HoldsFlush;
        public volatile bool HoldsSpan;
        public volatile bool IsInSpan;

        private readonly WatchedInput _input = new(inner.Input);

        public SemaphoreSlim Flushing { get; } = new(0);

        public SemaphoreSlim InSpan { get; } = new(0);

        public SemaphoreSlim GoOn { get; } = new(0);

        public TaskCompletionSource InputOver => _input.Over;

        public PipeReader Input => _input;

        public PipeWriter Output => this;

        public Task WaitForConsumedAsync(long more) => _input.WaitForConsumedAsync(more);

        public override void Advance(int bytes) => inner.Output.Advance(bytes);

        public override void CancelPendingFlush() => inner.Output.CancelPendingFlush();

        public override void Complete(Exception? exception = null) => inner.Output.Complete(exception);

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
        {
            if (HoldsFlush)
            {
                HoldsFlush = false;
                Flushing.Release();
                Assert.True(GoOn.Wait(TimeLimits.Limit, CancellationToken.None));
            }

            return inner.Output.FlushAsync(cancellationToken);
        }

        public override Memory<byte> GetMemory(int sizeHint = 0) => inner.Output.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0)
        {
            if (HoldsSpan)
            {
                IsInSpan = true;
                InSpan.Release();
                Assert.True(GoOn.Wait(TimeLimits.Limit, CancellationToken.None));
                IsInSpan = false;
            }

            return inner.Output.GetSpan(sizeHint);
        }
    }
}
