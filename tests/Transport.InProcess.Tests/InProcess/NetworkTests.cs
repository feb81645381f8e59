using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>Who reaches whom: names, addresses, networks, the accept queue.</summary>
public sealed class NetworkTests
{
    [Fact]
    public async Task Connect_NobodyListens_IsRefused()
    {
        var network = new InProcessNetwork();
        foreach (EndPoint endPoint in new EndPoint[] { new InProcessEndPoint("nobody"), new IPEndPoint(IPAddress.Loopback, 1), new DnsEndPoint("localhost", 1) })
        {
            var refused = await Assert.ThrowsAsync<SocketException>(() => network.ConnectAsync(endPoint).Limited());
            Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);
        }
    }

    [Fact]
    public async Task Connect_TokenFiredBefore_Throws() =>
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => new InProcessNetwork().ConnectAsync(new InProcessEndPoint("x"), new CancellationToken(canceled: true)).Limited());

    [Fact]
    public async Task Connect_OtherNetwork_IsRefused()
    {
        await using var server = await NetworkServer.BindAsync(new InProcessEndPoint("name"));
        await Assert.ThrowsAsync<SocketException>(() => new InProcessNetwork().ConnectAsync(server.EndPoint).Limited());
        await using ConnectionContext client = await server.Network.ConnectAsync(server.EndPoint).Limited();
    }

    [Fact]
    public async Task Names_CaseDiffers_AreTwoEndPoints()
    {
        var network = new InProcessNetwork();
        await using var lower = await NetworkServer.BindAsync(new InProcessEndPoint("name"), network);
        await using var upper = await NetworkServer.BindAsync(new InProcessEndPoint("Name"), network);
        await using ConnectionContext client = await network.ConnectAsync(new InProcessEndPoint("Name")).Limited();
        await using ConnectionContext? accepted = await upper.Listener.AcceptAsync().Limited();
        Assert.Equal(new InProcessEndPoint("Name"), accepted!.LocalEndPoint);
        Assert.Equal(client.LocalEndPoint, accepted.RemoteEndPoint);
        Assert.NotNull(accepted.RemoteEndPoint);
        Assert.NotEqual(accepted.LocalEndPoint, accepted.RemoteEndPoint);
    }

    /// <summary>A full accept queue makes clients wait, until there is room, they give up or nobody listens any more.</summary>
    [Fact]
    public async Task Connect_FullBacklog_WaitsForRoomCancellationOrUnbind()
    {
        await using var server = await NetworkServer.BindAsync(new InProcessEndPoint("busy"), configure: options => options.Backlog = 1);
        await using ConnectionContext first = await server.ConnectAsync().Limited();

        using var giveUp = new CancellationTokenSource();
        Task<ConnectionContext> cancelled = server.ConnectAsync(giveUp.Token).AsTask();
        Task<ConnectionContext> second = server.ConnectAsync().AsTask();
        Assert.False(cancelled.IsCompleted);
        Assert.False(second.IsCompleted);

        await giveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.Limited());
        await using ConnectionContext? accepted = await server.Listener.AcceptAsync().Limited();
        await using ConnectionContext connected = await second.Limited();

        Task<ConnectionContext> third = server.ConnectAsync().AsTask();
        await server.Listener.UnbindAsync().Limited();
        var refused = await Assert.ThrowsAsync<SocketException>(() => third.Limited());
        Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);
    }

    [Fact]
    public async Task Dispose_ConnectionsInQueue_SeeReset()
    {
        await using var server = await NetworkServer.BindAsync(new InProcessEndPoint("gone"));
        await using ConnectionContext client = await server.ConnectAsync().Limited();
        await server.Listener.DisposeAsync().Limited();
        await Assert.ThrowsAsync<ConnectionResetException>(() => client.Transport.Input.ReadAsync().Limited());
    }

    /// <summary>Port 0 of any address becomes a port that no other end point of the network has.</summary>
    [Fact]
    public async Task Bind_PortZero_TakesDistinctPorts()
    {
        var network = new InProcessNetwork();
        var servers = new List<NetworkServer>();
        for (int i = 0; i < 100; i++)
        {
            servers.Add(await NetworkServer.BindAsync(new IPEndPoint(i % 2 == 0 ? IPAddress.Loopback : IPAddress.IPv6Any, 0), network));
        }

        int[] ports = [.. servers.Select(server => ((IPEndPoint)server.EndPoint).Port)];
        Assert.Equal(ports.Length, ports.Distinct().Count());
        Assert.All(ports, port => Assert.InRange(port, 49152, 65535));
        Assert.Equal(servers.Select(server => server.EndPoint), network.EndPoints);
        servers.ForEach(server => server.Dispose());
        Assert.Empty(network.EndPoints);
    }

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1", true)]
    [InlineData("0.0.0.0", "127.0.0.2", true)]
    [InlineData("::", "127.0.0.1", true)]
    [InlineData("::", "::1", true)]
    [InlineData("0.0.0.0", "::1", false)]
    [InlineData("127.0.0.1", "127.0.0.2", false)]
    public async Task Addresses_SamePort_ReachAndExcludeEachOtherAlike(string listened, string dialled, bool reaches)
    {
        await using var server = await NetworkServer.BindAsync(new IPEndPoint(IPAddress.Parse(listened), 8000));
        var other = new IPEndPoint(IPAddress.Parse(dialled), 8000);
        if (reaches)
        {
            await using ConnectionContext client = await server.Network.ConnectAsync(other).Limited();
            await using ConnectionContext? accepted = await server.Listener.AcceptAsync().Limited();
            Assert.Equal(other, accepted!.LocalEndPoint);
            await Assert.ThrowsAsync<AddressInUseException>(() => NetworkServer.BindAsync(other, server.Network).Limited());
        }
        else
        {
            await Assert.ThrowsAsync<SocketException>(() => server.Network.ConnectAsync(other).Limited());
            await using var beside = await NetworkServer.BindAsync(other, server.Network);
        }
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData("shop.example")]
    [InlineData("127.0.0.1")]
    public async Task Connect_HostName_MeansThisMachine(string host)
    {
        await using var server = await NetworkServer.BindAsync(new IPEndPoint(IPAddress.Any, 8000));
        await using ConnectionContext client = await server.Network.ConnectAsync(new DnsEndPoint(host, 8000)).Limited();
        await Assert.ThrowsAsync<SocketException>(() => server.Network.ConnectAsync(new DnsEndPoint(host, 8001)).Limited());
    }

    /// <summary>What the transport does not claim stays with the transports registered before.</summary>
    [Fact]
    public async Task CanBind_WithoutClaim_TakesNamesOnly()
    {
        await using var server = await NetworkServer.BindAsync(new InProcessEndPoint("x"), configure: options => options.ClaimEveryEndPoint = false);
        var selector = (IConnectionListenerFactorySelector)server.Factory;
        Assert.True(selector.CanBind(new InProcessEndPoint("y")));
        Assert.False(selector.CanBind(new IPEndPoint(IPAddress.Loopback, 0)));
        await Assert.ThrowsAsync<NotSupportedException>(() => server.Factory.BindAsync(new IPEndPoint(IPAddress.Loopback, 0)).Limited());
    }

    [Theory]
    [InlineData("orders")]
    [InlineData("a b/c?d#e%f")]
    [InlineData("é:80")]
    public void EndPoint_BehindScheme_IsValidUri(string name)
    {
        var uri = new Uri($"http://{new InProcessEndPoint(name)}");
        Assert.Equal("in-process", uri.Host);
        Assert.Equal(name, Uri.UnescapeDataString(uri.AbsolutePath[1..]));
    }

    [Fact]
    public void Options_OutOfRange_NameThemselves()
    {
        var options = new InProcessTransportOptions();
        Assert.Throws<ArgumentOutOfRangeException>(() => options.Backlog = 0);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.MaxReadBufferSize = 0);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.MaxWriteBufferSize = -1);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.Scheduling = (InProcessScheduling)7);
        Assert.Throws<ArgumentNullException>(() => options.Network = null!);
        Assert.Throws<ArgumentException>(() => new InProcessEndPoint(""));
    }
}
