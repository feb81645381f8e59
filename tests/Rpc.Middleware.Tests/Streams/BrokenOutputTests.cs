using System.IO.Pipelines;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;

namespace Kestrel.Rpc.Middleware.Tests;

public sealed class BrokenOutputTests
{
    // "Whatever a transport throws while it is written to means that nothing can be sent any more": also while a stream runs.
    [Fact]
    public async Task OutputThatThrows_WhileAStreamIsWritten_EndsTheConnectionWithItsHandler()
    {
        TaskCompletionSource<Exception> seen = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using ManualResetEventSlim isBroken = new();
        using SemaphoreSlim goOn = new(0);
        TaskCompletionSource<string> method = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Listen = options =>
            {
                options.Use(next => async connection =>
                {
                    connection.Transport = new Breaking(connection.Transport, isBroken);
                    await next(connection);
                });
                options.UseRpc();
            },
            App = app => app.MapRpc("test/Count", async (Int32Value request, IRpcStreamWriter<StringValue> replies, RpcContext context) =>
            {
                await replies.WriteAsync(StreamServer.Text(1));
                await goOn.WaitAsync();
                isBroken.Set();
                try
                {
                    while (true)
                    {
                        await replies.WriteAsync(StreamServer.Text(2));
                        await Task.Yield();
                    }
                }
                catch (Exception exception)
                {
                    seen.TrySetResult(exception);
                }

                method.SetResult(context.Name.Method); // the call is still this handler's
            }),
        });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Request(1, new RpcCallHeader { Flags = RpcCallBits.End }, [], "test/Count"));
        Assert.Equal(RpcFrameType.Data, (await peer.ReceiveAsync()).Type);
        goOn.Release();
        await seen.Task.InTime();
        Assert.Equal("Count", await method.Task.InTime());
        await server.ExpectNothingLeftAsync();
    }

    private sealed class Breaking(IDuplexPipe inner, ManualResetEventSlim isBroken) : PipeWriter, IDuplexPipe
    {
        public PipeReader Input => inner.Input;

        public PipeWriter Output => this;

        public override void Advance(int bytes) => inner.Output.Advance(bytes);

        public override void CancelPendingFlush() => inner.Output.CancelPendingFlush();

        public override void Complete(Exception? exception = null) => inner.Output.Complete(exception);

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => inner.Output.FlushAsync(cancellationToken);

        public override Memory<byte> GetMemory(int sizeHint = 0) =>
            isBroken.IsSet ? throw new ConnectionResetException("Broken.") : inner.Output.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) =>
            isBroken.IsSet ? throw new ConnectionResetException("Broken.") : inner.Output.GetSpan(sizeHint);
    }
}
