using Hello;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>A call in place whose handler blocks the thread that reads.</summary>
public sealed class InPlaceTests
{
    [Theory]
    [InlineData(1, false), InlineData(1, true), InlineData(2, false), InlineData(2, true)]
    public async Task InPlace_HandlerBlocksUntilTheCallBeforeItRan_BothAreAnswered(int version, bool isReplyAwaited)
    {
        using ManualResetEventSlim seen = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options =>
            {
                options.Limits.Calls.MaxConcurrentCalls = 1;
                options.Limits.Calls.AtLimit = RpcLimitPolicy.RunInPlace;
            },
            App = app => app.MapRpc(Golden.Name, (HelloRequest request) =>
            {
                if (request.Msg == "first" && !isReplyAwaited)
                {
                    seen.Set();
                }

                return new HelloReply { Msg = request.Msg == "first" || seen.Wait(TimeLimits.Limit) ? request.Msg : "too late" };
            }),
        });
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, version);

        // In one read. The first has the only place, and is kept back for this thread until more comes.
        await peer.Raw.SendAsync(version == 1
            ? [.. Golden.Call(1, "first"), .. Golden.Call(2, "second")]
            : (byte[])[.. Version2Frames.Hello(1, "first"), .. Version2Frames.Hello(2, "second")]);

        if (isReplyAwaited)
        {
            Assert.Equal((1u, "first"), await peer.ReceiveAsync());
            seen.Set();
            Assert.Equal((2u, "second"), await peer.ReceiveAsync());
        }
        else
        {
            Assert.Equal([(1u, "first"), (2u, "second")], await peer.ReceiveAsync(2));
        }
    }
}
