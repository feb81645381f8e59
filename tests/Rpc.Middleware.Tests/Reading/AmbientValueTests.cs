using Hello;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;

namespace Kestrel.Rpc.Middleware.Tests;

public sealed class AmbientValueTests
{
    // What a handler sees of AsyncLocals of the connection must not depend on which call of a read was the last one.
    [Fact]
    public async Task Calls_OfOneRead_SeeTheSameAmbientValues()
    {
        AsyncLocal<string?> local = new();
        List<string> seen = [];
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Listen = options =>
            {
                options.Use(next => connection =>
                {
                    local.Value = "of the connection";
                    return next(connection);
                });
                options.UseRpc();
            },
            App = app => app.MapRpc(Golden.Name, (HelloRequest request) =>
            {
                lock (seen)
                {
                    seen.Add($"{local.Value ?? "none"}");
                }

                return new HelloReply { Msg = request.Msg };
            }),
        });
        await using RawPeer peer = await server.ConnectAsync();
        await peer.SendAsync(Enumerable.Range(1, 10).SelectMany(i => Golden.Call((uint)i)).ToArray());
        await peer.ReceiveAsync(10);
        Assert.Single(seen.GroupBy(value => value).Select(group => $"{group.Count()} x {group.Key}"));
    }
}
