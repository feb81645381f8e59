using System.Net.Sockets;
using Hello;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>A peer that never reads its last reply, which the transport holds when the connection has ended for the server.</summary>
public sealed class UnsentOutputTests
{
    [Theory]
    [InlineData(TransportKind.Sockets), InlineData(TransportKind.Epoll), InlineData(TransportKind.IoUring)]
    public async Task LastReply_IsNeverRead_TransportLetsGoOfItAfterTheSendTimeout(TransportKind transport)
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Transport = transport,
            Rpc = options => options.Connections.SendTimeout = TimeSpan.FromSeconds(1),
            Listen = options =>
            {
                options.Use(next => connection =>
                {
                    // The kernel takes little, so most stays in the transport; and no flush waits.
                    connection.Features.Get<IConnectionSocketFeature>()!.Socket.SendBufferSize = 4096;
                    return next(connection);
                });
                options.UseRpc();
            },
            App = app => app.MapRpc(Golden.Name, (HelloRequest request) => new HelloReply { Msg = new string('y', 60_000) }),
        });
        await using RawPeer peer = await server.ConnectAsync();
        peer.Socket.ReceiveBufferSize = 2048;
        await peer.SendAsync(Golden.Call(1));
        peer.EndSending();

        await server.ExpectNothingLeftAsync();

        Assert.DoesNotContain(server.Logs.Ours, line => line.Id == 62); // it was not seen to wait
    }
}
