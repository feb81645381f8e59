using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Calls that wait for their turn when the host stops.</summary>
public sealed class DrainGateTests
{
    [Fact]
    public async Task DrainIsOver_CallWaitsAtALimit_IsToldThatItNeverRan()
    {
        Gate gate = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options =>
            {
                options.Limits.Calls.MaxConcurrentCalls = 1;
                options.Limits.Calls.AtLimit = RpcLimitPolicy.Wait;
                options.Drain.Timeout = TimeSpan.FromMilliseconds(300);
            },
            App = app => app.MapRpc(Golden.Name, gate.HandleAsync),
        });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Hello(1, "held"));
        await gate.WaitForStartedAsync(1);
        await peer.SendAsync(Version2Frames.Hello(2, "held"));
        await server.Rpc().Gates.Server!.WaitForAsync(1, 1);

        Task stopping = server.StopAsync();
        Dictionary<uint, Version2Reply> replies = [];
        while (replies.Count < 2 && await peer.TryReceiveAsync() is { } frame)
        {
            if (frame.Type == RpcFrameType.Response)
            {
                replies[frame.Id] = frame;
            }
        }

        await stopping.InTime();
        Assert.Equal((RpcStatusCode.Unavailable, false), (replies[1].Status.Code, replies[1].Flags.HasFlag(RpcCallBits.NotProcessed)));
        Assert.Equal((RpcStatusCode.Unavailable, true), (replies[2].Status.Code, replies[2].Flags.HasFlag(RpcCallBits.NotProcessed)));
    }
}
