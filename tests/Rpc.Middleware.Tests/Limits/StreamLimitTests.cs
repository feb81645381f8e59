using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>The bound on calls with streams, however they are asked for.</summary>
public sealed class StreamLimitTests
{
    [Fact]
    public async Task MaxStreams_ServerStreamsByIndex_AreBoundToo()
    {
        Gate gate = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options => options.Limits.MaxStreamsPerConnection = 1,
            App = app => app.MapRpcServerStream<HelloRequest, HelloReply>(
                "helloworld/Many", async (request, _, context) => await gate.HandleAsync(request, context.CancellationToken)),
        });
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, 2);
        await peer.Raw.SendAsync(Version2Frames.Hello(1, "held", name: "helloworld/Many", index: 1));
        await gate.WaitForStartedAsync(1);

        for (uint id = 2; id <= 20; id++)
        {
            await peer.Raw.SendAsync(Version2Frames.HelloByIndex(id, 1, "held"));
            await peer.ExpectRefusalAsync(id);
        }

        Assert.Equal(1, gate.Started);
        gate.Open();
    }
}
