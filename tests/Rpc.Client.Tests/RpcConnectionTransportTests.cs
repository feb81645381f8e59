using System.Net;
using System.Net.Sockets;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Protocol;
using Kestrel.Rpc.Transport;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Client.Tests;

/// <summary>Over the connection factories of the Linux transports: the same as over a plain socket.</summary>
public class RpcConnectionTransportTests
{
    public static TheoryData<bool, ApplicationScheduling> Transports => new()
    {
        { true, ApplicationScheduling.ThreadPool },
        { true, ApplicationScheduling.Inline },
        { false, ApplicationScheduling.ThreadPool },
        { false, ApplicationScheduling.Inline },
    };

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Calls_ManyCallers_EachGetsItsOwnReply(bool ioUring, ApplicationScheduling scheduling)
    {
        const int Callers = 32;
        const int CallsEach = 100;
        using SocketServer server = new();
        await using IAsyncDisposable factory = Create(ioUring, scheduling);
        RpcConnection client = await RpcConnection.ConnectAsync((IConnectionFactory)factory, server.EndPoint, new RpcConnectionOptions { ProtocolVersion = 1 }).Within();
        Task echo = SocketServer.EchoInReverseAsync(await server.AcceptAsync());

        await Task.WhenAll(Enumerable.Range(0, Callers).Select(caller => Task.Run(async () =>
        {
            for (int i = 0; i < CallsEach; i++)
            {
                string text = $"{caller} {i} {new string('x', i * 7 % 300)}";
                Assert.Equal(text, (await HelloAsync(client, text)).Value);
            }
        }))).Within();

        await client.DisposeAsync().Within();
        await echo.Within(); // it read to the client's FIN
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Dispose_CallUnderWay_PeerSeesAReset(bool ioUring, ApplicationScheduling scheduling)
    {
        using SocketServer server = new();
        await using IAsyncDisposable factory = Create(ioUring, scheduling);
        RpcConnection client = await RpcConnection.ConnectAsync((IConnectionFactory)factory, server.EndPoint, new RpcConnectionOptions { ProtocolVersion = 1 }).Within();
        using Socket peer = await server.AcceptAsync();
        Task<StringValue> call = HelloAsync(client, "a");
        Assert.NotEqual(0, await peer.ReceiveAsync(new byte[1000]).Within());

        await client.DisposeAsync().Within();

        Assert.Equal(RpcErrorCode.Connection, (await Assert.ThrowsAsync<RpcException>(() => call.Within())).Code);
        SocketException reset = await Assert.ThrowsAsync<SocketException>(() => peer.ReceiveAsync(new byte[1]).Within());
        Assert.Equal(SocketError.ConnectionReset, reset.SocketErrorCode);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Connect_NobodyListens_FailsWithConnection(bool ioUring, ApplicationScheduling scheduling)
    {
        EndPoint endPoint;
        using (SocketServer server = new())
        {
            endPoint = server.EndPoint;
        }

        await using IAsyncDisposable factory = Create(ioUring, scheduling);
        RpcException failed = await Assert.ThrowsAsync<RpcException>(
            () => RpcConnection.ConnectAsync((IConnectionFactory)factory, endPoint).Within());

        Assert.Equal(RpcErrorCode.Connection, failed.Code);
        Assert.Equal(SocketError.ConnectionRefused, Assert.IsType<SocketException>(failed.InnerException).SocketErrorCode);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Dispose_OfTheFactory_EndsTheConnection(bool ioUring, ApplicationScheduling scheduling)
    {
        using SocketServer server = new();
        IAsyncDisposable factory = Create(ioUring, scheduling);
        RpcConnection client = await RpcConnection.ConnectAsync((IConnectionFactory)factory, server.EndPoint, new RpcConnectionOptions { ProtocolVersion = 1 }).Within();
        using Socket peer = await server.AcceptAsync();

        await factory.DisposeAsync().Within();

        await client.Closed.Within();
        await client.DisposeAsync().Within();
    }

    private static IAsyncDisposable Create(bool ioUring, ApplicationScheduling scheduling) => ioUring
        ? new IoUringConnectionFactory(new IoUringTransportOptions { LoopCount = 1, ApplicationScheduling = scheduling })
        : new EpollConnectionFactory(new EpollTransportOptions { LoopCount = 1, ApplicationScheduling = scheduling });

    private static Task<StringValue> HelloAsync(RpcConnection client, string text) =>
        client.CallAsync<StringValue, StringValue>("helloworld", "Hello", Wire.Text(text)).AsTask();
}
