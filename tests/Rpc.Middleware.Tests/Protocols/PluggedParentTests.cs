using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

public sealed class PluggedParentTests
{
    // A deadline of a plugged-in protocol is propagated like any other.
    [Fact]
    public async Task PluggedCall_WithALimit_IsAParentWithThatLimit()
    {
        TaskCompletionSource<(TimeSpan? Own, TimeSpan? Parent)> left = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Services = services => services.AddRpcProtocol<TextProtocol>(),
            App = app => app.MapRpc(Golden.Name, (HelloRequest request, RpcContext context) =>
            {
                left.SetResult((context.TimeLeft, ((IRpcParentCall)context).TimeLeft));
                return new HelloReply();
            }),
        });
        await using RawPeer peer = await server.ConnectAsync();
        await peer.SendAsync(TextPeer.Hello(1, "x", " timeout=60000"));
        (TimeSpan? own, TimeSpan? parent) = await left.Task.InTime();
        Assert.NotNull(own);
        Assert.NotNull(parent);
    }
}
