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
        Holding? output = null;
        TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Listen = options =>
            {
                options.Use(next => async connection =>
                {
                    output = new Holding(connection.Transport);
                    connection.Transport = output;
                    await next(connection);
                    await output.CompleteAsync(); // as Kestrel does next
                    ended.SetResult();
                });
                options.UseRpc();
            },
            App = app =>
            {
                app.MapRpc("test/Held", (HelloRequest request) =>
                {
                    output!.HoldsFlush = true;
                    return new HelloReply();
                });
            },
        });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        byte[] body = StreamServer.Bytes(60_000).ToByteArray();
        int sent = 0;
        int cost = body.Length + 16;
        while (sent + cost < 2 * 1024 * 1024)
        {
            await peer.SendAsync(Version2Frames.Data(99, RpcCallBits.None, body));
            sent += cost;
        }

        // Its reply is in a flush that does not return yet, while DATA makes a CREDIT due.
        await peer.SendAsync(Version2Frames.Hello(1, name: "test/Held"));
        while (output is null)
        {
            await Task.Delay(10);
        }

        Assert.True(await output.Flushing.WaitAsync(TimeLimits.Limit));
        await peer.SendAsync(Version2Frames.Data(99, RpcCallBits.None, body));
        await Task.Delay(200); // nothing shows that it was read
        output.HoldsSpan = true;
        output.GoOn.Release();
        Assert.True(await output.InSpan.WaitAsync(TimeLimits.Limit));
        peer.Raw.EndSending();
        bool isOverTooEarly = await Task.WhenAny(ended.Task, Task.Delay(500)) == ended.Task;
        output.HoldsSpan = false;
        output.GoOn.Release();
        await ended.Task.InTime();
        Assert.False(isOverTooEarly, "The connection has ended while its output was written.");
    }

    private sealed class Holding(IDuplexPipe inner) : PipeWriter, IDuplexPipe
    {
        public volatile bool HoldsFlush;
        public volatile bool HoldsSpan;

        public SemaphoreSlim Flushing { get; } = new(0);

        public SemaphoreSlim InSpan { get; } = new(0);

        public SemaphoreSlim GoOn { get; } = new(0);

        public PipeReader Input => inner.Input;

        public PipeWriter Output => this;

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
                InSpan.Release();
                Assert.True(GoOn.Wait(TimeLimits.Limit, CancellationToken.None));
            }

            return inner.Output.GetSpan(sizeHint);
        }
    }
}
