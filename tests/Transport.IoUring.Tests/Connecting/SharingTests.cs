using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Transport.Tests.Connecting;

/// <summary>Which loops connections are on, and who starts them.</summary>
public sealed class SharingTests
{
    public static TheoryData<TransportKind> Engines => [TransportKind.Epoll, TransportKind.IoUring];

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Connections_OfAClientOnTwoLoops_AreSharedEvenly(TransportKind engine)
    {
        await using ConnectionServer server = await ConnectionServer.StartAsync(Variant(engine, 1), Handlers.EchoAsync);
        await using TransportFactory client = ClientOnly.Create(Variant(engine, 2));

        ConnectionContext[] connections = await Task.WhenAll(
            Enumerable.Range(0, 8).Select(_ => Task.Run(() => client.ConnectAsync(server.EndPoint).Limited())));

        Assert.Equal([4, 4], client.Loops!.Loops.Select(loop => loop.ConnectionCount));
        await Task.WhenAll(connections.Select(connection => connection.CloseAsync()));
        await server.StopAsync();
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Host_WithTheTransport_ConnectsOnTheLoopsThatServe(TransportKind engine)
    {
        await using ConnectionServer server = await ConnectionServer.StartAsync(Variant(engine, 2), Handlers.EchoAsync);
        var factory = Assert.IsType<TransportFactory>(server.Host.Factory, exactMatch: false);
        Assert.Same(factory, server.Host.Dialler());

        var connections = new List<ConnectionContext>();
        for (int i = 0; i < 4; i++)
        {
            connections.Add(await server.DialAsync());
            await connections[i].EchoAsync(seed: i, 10); // accepted, so both ends are counted
        }

        Assert.Equal([4, 4], factory.Loops!.Loops.Select(loop => loop.ConnectionCount));
        await Task.WhenAll(connections.Select(connection => connection.CloseAsync()));
        await server.StopAsync();
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Services_WithoutAHost_ConnectAndGiveEverythingBack(TransportKind engine)
    {
        await using ConnectionServer server = await ConnectionServer.StartAsync(Variant(engine, 1), Handlers.EchoUntilResetAsync);
        var services = new ServiceCollection();
        _ = engine == TransportKind.Epoll ? services.AddEpollConnectionFactory() : services.AddIoUringConnectionFactory();
        Assert.DoesNotContain(services, service => service.ServiceType == typeof(IConnectionListenerFactory));

        ConnectionContext connection;
        await using (ServiceProvider provider = services.BuildServiceProvider())
        {
            connection = await provider.GetRequiredService<IConnectionFactory>().ConnectAsync(server.EndPoint).Limited();
            await connection.EchoAsync(seed: 1, 1_000_000);
        }

        await Assert.ThrowsAsync<ConnectionAbortedException>(() => connection.Transport.Input.ReadAsync().Limited());
        await connection.DisposeAsync().Limited();
        await server.StopAsync();
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Services_TransportAndConnectionFactory_AreOne(TransportKind engine)
    {
        var services = new ServiceCollection();
        _ = engine == TransportKind.Epoll
            ? services.AddEpollConnectionFactory().AddEpollTransport()
            : services.AddIoUringTransport().AddIoUringConnectionFactory();
        await using ServiceProvider provider = services.BuildServiceProvider();

        Assert.All(
            provider.GetServices<IConnectionFactory>(),
            factory => Assert.Same(provider.GetRequiredService<IConnectionListenerFactory>(), factory));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task PublicFactory_ByItself_ConnectsUntilDisposed(TransportKind engine)
    {
        await using ConnectionServer server = await ConnectionServer.StartAsync(Variant(engine, 1), Handlers.EchoAsync);
        IConnectionFactory factory = engine == TransportKind.Epoll ? new EpollConnectionFactory() : new IoUringConnectionFactory();
        ConnectionContext connection = await factory.ConnectAsync(server.EndPoint).Limited();
        await connection.EchoAsync(seed: 1, 1_000_000);
        await connection.CloseAsync();

        await ((IAsyncDisposable)factory).DisposeAsync().Limited();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => factory.ConnectAsync(server.EndPoint).Limited());
        await server.StopAsync();
    }

    [Fact]
    public async Task PublicFactory_WhereIoUringIsRefused_ConnectsWithEpoll()
    {
        await using ConnectionServer server = await ConnectionServer.StartAsync(Variant(TransportKind.Epoll, 1), Handlers.EchoAsync);
        await using var factory = new IoUringConnectionFactory(new IoUringTransportOptions { AllowedRingFlags = 0 });
        await using var strict = new IoUringConnectionFactory(
            new IoUringTransportOptions { AllowedRingFlags = 0, Fallback = IoUringFallback.Fail });

        ConnectionContext connection = await factory.ConnectAsync(server.EndPoint).Limited();

        await connection.EchoAsync(seed: 1, 1000);
        await connection.CloseAsync();
        await Assert.ThrowsAsync<PlatformNotSupportedException>(() => strict.ConnectAsync(server.EndPoint).Limited());
        await server.StopAsync();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-2)]
    [InlineData(50.0 * 24 * 3600 * 1000)]
    public void ConnectTimeout_OutOfRange_IsRefused(double milliseconds)
    {
        var options = new EpollTransportOptions { ConnectTimeout = TimeSpan.FromMilliseconds(milliseconds) };

        var error = Assert.Throws<ArgumentOutOfRangeException>(() => new EpollConnectionFactory(options));

        Assert.Equal(nameof(options.ConnectTimeout), error.ParamName);
    }

    private static TransportVariant Variant(TransportKind engine, int loops) => new(engine, loops, ApplicationScheduling.ThreadPool);
}
