using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Kestrel.Rpc.Middleware.Tests;

public sealed class TransportWithoutSelectorTests
{
    // IConnectionListenerFactorySelector is optional: Kestrel takes a factory without it for one that binds everything.
    [Fact]
    public async Task Transport_WithoutSelector_HostStarts()
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Services = services => services.AddSingleton<IConnectionListenerFactory>(
                new Plain(new SocketTransportFactory(Options.Create(new SocketTransportOptions()), NullLoggerFactory.Instance))),
        });
        await using RawPeer peer = await server.ConnectAsync();
        await peer.SendAsync(Golden.Call(1, "world"));
        Assert.Equal("Hello world", (await peer.ReceiveAsync()).Msg);
    }

    private sealed class Plain(IConnectionListenerFactory inner) : IConnectionListenerFactory
    {
        public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
            inner.BindAsync(endpoint, cancellationToken);
    }
}
