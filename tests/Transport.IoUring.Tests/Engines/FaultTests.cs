using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>What goes wrong around an engine stays with the connection it concerns.</summary>
public sealed class FaultTests
{
    public static TheoryData<TransportKind> Engines => [TransportKind.Epoll, TransportKind.IoUring];

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Receive_MemoryPoolThrows_EndsThatConnectionAlone(TransportKind engine)
    {
        var pool = new FailingPool();
        await using TestTransport transport = await Create(engine, pool).StartAsync();
        using Socket victim = await transport.ConnectAsync();
        using Socket bystander = await transport.ConnectAsync();
        await EchoByteAsync(victim);
        await EchoByteAsync(bystander);

        await Eventually.TrueAsync(() => pool.Outstanding == 0); // the loop keeps some for a moment
        pool.Fails = true;
        await victim.SendAsync(new byte[] { 1 });
        bool ended = await EndsAsync(victim);
        pool.Fails = false;

        Assert.True(ended);
        await EchoByteAsync(bystander);
        await transport.EchoAsync(10_000);
        Assert.DoesNotContain(transport.Log, entry => entry.Level > LogLevel.Information);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Log_Throws_ConnectionsCloseAndOthersAreServed(TransportKind engine)
    {
        await using TestTransport transport = await Create(engine, new FailingPool()).StartAsync();
        using Socket bystander = await transport.ConnectAsync();
        await EchoByteAsync(bystander);

        transport.LogFails = true;
        await transport.EchoAsync(10_000);
        using (Socket reset = await transport.ConnectAsync())
        {
            await EchoByteAsync(reset);
            reset.LingerState = new LingerOption(true, 0);
        }

        await EchoByteAsync(bystander);
        await Eventually.TrueAsync(() => transport.ConnectionsPerLoop.Single() == 1);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Bind_InheritedSocketThatDoesNotListenYet_Serves(TransportKind engine)
    {
        using var inherited = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        inherited.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        int descriptor = Posix.Check(Posix.dup((int)inherited.Handle)); // the transport owns what it inherits

        await using TestTransport transport = await Create(engine, new FailingPool())
            .StartAsync(new FileHandleEndPoint((ulong)descriptor, FileHandleType.Tcp));

        await transport.EchoAsync(10_000);
    }

    private static TestTransport Create(TransportKind engine, FailingPool pool) => engine == TransportKind.Epoll
        ? new TestTransport(new EpollTransportOptions { LoopCount = 1 }) { Pool = pool }
        : new TestTransport(new IoUringTransportOptions { LoopCount = 1, Fallback = IoUringFallback.Fail }) { Pool = pool };

    // With FIN, or with RST where bytes were left unread.
    private static async Task<bool> EndsAsync(Socket socket)
    {
        try
        {
            return await socket.ReceiveAsync(new byte[1]).WaitAsync(TestTransport.Limit) == 0;
        }
        catch (SocketException reset)
        {
            return reset.SocketErrorCode == SocketError.ConnectionReset;
        }
    }

    private static async Task EchoByteAsync(Socket socket)
    {
        await socket.SendAsync(new byte[] { 1 });
        Assert.Equal(1, await socket.ReceiveAsync(new byte[1]).WaitAsync(TestTransport.Limit));
    }
}
