using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>Which loop gets a connection, and who may listen beside whom.</summary>
public sealed class AcceptStrategyTests
{
    private const int NotPossibleEvent = 109;

    public static TheoryData<TransportKind> Engines => [TransportKind.Epoll, TransportKind.IoUring];

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task ReusePort_ManyConnections_StayOnTheLoopThatAccepted(TransportKind engine)
    {
        await using TestTransport transport = await Create(engine, AcceptStrategy.ReusePort).StartAsync();
        List<Socket> sockets = await ConnectAsync(transport, 64);

        // All of them on one loop: once in 2^63 runs.
        Assert.All(transport.Loops, loop => Assert.InRange(loop.ConnectionCount, 1, 63));
        Assert.Equal(transport.Loops.Select(loop => loop.Statistics.Accepted), transport.ConnectionsPerLoop.Select(count => (long)count));
        Assert.Equal(64, transport.ConnectionsPerLoop.Sum());
        sockets.ForEach(socket => socket.Dispose());
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task SharedListener_ManyConnections_AreBalanced(TransportKind engine)
    {
        await using TestTransport transport = await Create(engine, AcceptStrategy.SharedListener).StartAsync();
        List<Socket> sockets = await ConnectAsync(transport, 64);

        Assert.Equal([32, 32], transport.ConnectionsPerLoop);
        Assert.Equal([64, 0], transport.Loops.Select(loop => loop.Statistics.Accepted));
        sockets.ForEach(socket => socket.Dispose());
    }

    [Theory]
    [InlineData(AcceptStrategy.ReusePort, AcceptStrategy.ReusePort)]
    [InlineData(AcceptStrategy.ReusePort, AcceptStrategy.SharedListener)]
    [InlineData(AcceptStrategy.SharedListener, AcceptStrategy.ReusePort)]
    public async Task Bind_AddressOfAnotherTransport_ReportsAddressInUse(AcceptStrategy first, AcceptStrategy second)
    {
        await using TestTransport holder = await Create(TransportKind.Epoll, first).StartAsync();
        await using TestTransport other = Create(TransportKind.Epoll, second);

        await Assert.ThrowsAsync<AddressInUseException>(() => other.StartAsync(holder.EndPoint));

        await holder.EchoAsync(1000);
    }

    [Fact]
    public async Task Bind_ForeignListenerAllowsReusePort_ReportsAddressInUse()
    {
        using var foreign = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        TcpOptions.SetReusePort((int)foreign.Handle);
        foreign.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        foreign.Listen();
        await using TestTransport transport = Create(TransportKind.Epoll, AcceptStrategy.ReusePort);

        await Assert.ThrowsAsync<AddressInUseException>(() => transport.StartAsync(foreign.LocalEndPoint));
    }

    [Fact]
    public async Task Bind_ManyTransportsAtOnce_OneGetsTheAddress()
    {
        const int Rounds = 20;
        const int Transports = 4;
        int winners = 0;
        for (int round = 0; round < Rounds; round++)
        {
            EndPoint endPoint = FreeEndPoint();
            TestTransport[] transports = [.. Enumerable.Range(0, Transports).Select(_ => Create(TransportKind.Epoll, AcceptStrategy.ReusePort))];
            bool[] bound = await Task.WhenAll(transports.Select(transport => Task.Run(() => TryBindAsync(transport, endPoint)))).Limited();

            Assert.InRange(bound.Count(won => won), 0, 1); // none: each of two that have bound finds the other when it listens
            winners += bound.Count(won => won);
            foreach (TestTransport transport in transports)
            {
                await transport.DisposeAsync();
            }
        }

        Assert.NotEqual(0, winners);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Bind_UnixSocket_HasASharedListenerAndSaysSo(TransportKind engine)
    {
        using var folder = new TemporaryFolder();
        var endPoint = new UnixDomainSocketEndPoint(Path.Combine(folder.Path, "s"));
        await using TestTransport transport = await Create(engine, AcceptStrategy.ReusePort).StartAsync(endPoint);

        List<Socket> sockets = await ConnectAsync(transport, 8, AddressFamily.Unix);

        Assert.Equal([4, 4], transport.ConnectionsPerLoop);
        (LogLevel Level, int Id, string Text) line = Assert.Single(transport.Log, entry => entry.Id == NotPossibleEvent);
        Assert.Contains(folder.Path, line.Text, StringComparison.Ordinal);
        sockets.ForEach(socket => socket.Dispose());
    }

    [Fact]
    public async Task Bind_OneLoop_ReusePortStaysOff()
    {
        await using TestTransport transport = await Create(TransportKind.Epoll, AcceptStrategy.ReusePort, loops: 1).StartAsync();
        using var foreign = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        TcpOptions.SetReusePort((int)foreign.Handle);

        var error = Assert.Throws<SocketException>(() => foreign.Bind(transport.EndPoint));

        Assert.Equal(SocketError.AddressAlreadyInUse, error.SocketErrorCode);
    }

    [Fact]
    public void Options_BlockingTransportOrUnknownStrategy_AreRefused()
    {
        var blocking = new BlockingTransportOptions { AcceptStrategy = AcceptStrategy.ReusePort };
        var unknown = new EpollTransportOptions { AcceptStrategy = (AcceptStrategy)7 };

        Assert.Equal("AcceptStrategy", Assert.Throws<ArgumentOutOfRangeException>(() => OptionsCheck.Validate(blocking)).ParamName);
        Assert.Equal("AcceptStrategy", Assert.Throws<ArgumentOutOfRangeException>(() => OptionsCheck.Validate(unknown)).ParamName);
    }

    private static TestTransport Create(TransportKind engine, AcceptStrategy strategy, int loops = 2) => engine == TransportKind.Epoll
        ? new TestTransport(new EpollTransportOptions { LoopCount = loops, AcceptStrategy = strategy })
        : new TestTransport(new IoUringTransportOptions { LoopCount = loops, AcceptStrategy = strategy, Fallback = IoUringFallback.Fail });

    private static async Task<List<Socket>> ConnectAsync(TestTransport transport, int count, AddressFamily family = AddressFamily.InterNetwork)
    {
        var sockets = new List<Socket>();
        for (int i = 0; i < count; i++)
        {
            sockets.Add(new Socket(family, SocketType.Stream, ProtocolType.Unspecified));
            await sockets[i].ConnectAsync(transport.EndPoint).Limited();
            await sockets[i].SendAsync(new byte[] { 1 });
            Assert.Equal(1, await sockets[i].ReceiveAsync(new byte[1]).Limited()); // served, so counted
        }

        return sockets;
    }

    private static IPEndPoint FreeEndPoint()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return (IPEndPoint)socket.LocalEndPoint!;
    }

    private static async Task<bool> TryBindAsync(TestTransport transport, EndPoint endPoint)
    {
        try
        {
            await transport.StartAsync(endPoint);
            return true;
        }
        catch (AddressInUseException)
        {
            return false;
        }
    }
}
