using System.Net;
using System.Net.Sockets;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Client.Tests;

/// <summary>Over real sockets: connecting, many callers, and what the peer sees at the end.</summary>
public class RpcConnectionSocketTests
{
    [Fact]
    public async Task Connect_NobodyListens_FailsWithConnection()
    {
        EndPoint endPoint;
        using (SocketServer server = new())
        {
            endPoint = server.EndPoint;
        }

        RpcException failed = await Assert.ThrowsAsync<RpcException>(() => RpcConnection.ConnectAsync(endPoint).Within());
        Assert.Equal(RpcErrorCode.Connection, failed.Code);
        Assert.IsType<SocketException>(failed.InnerException);
    }

    [Fact]
    public async Task Connect_Cancelled_Throws()
    {
        using CancellationTokenSource source = new();
        Task<RpcConnection> connecting = RpcConnection.ConnectAsync(new NeverConnects(), new IPEndPoint(IPAddress.Loopback, 1), null, source.Token);
        await source.CancelAsync();
        OperationCanceledException failed = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting.Within());
        Assert.Equal(source.Token, failed.CancellationToken);
    }

    [Fact]
    public async Task Connect_NotInTime_FailsWithTimeout()
    {
        RpcConnectionOptions options = new() { ConnectTimeout = TimeSpan.FromMilliseconds(20) };
        RpcException failed = await Assert.ThrowsAsync<RpcException>(
            () => RpcConnection.ConnectAsync(new NeverConnects(), new IPEndPoint(IPAddress.Loopback, 1), options).Within());
        Assert.Equal(RpcErrorCode.Timeout, failed.Code);
    }

    [Fact]
    public async Task Connect_UnixSocket_Calls()
    {
        string folder = Directory.CreateTempSubdirectory("rpc").FullName;
        try
        {
            using SocketServer server = new(new UnixDomainSocketEndPoint(Path.Combine(folder, "s")));
            await EchoOnceAsync(server, server.EndPoint);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Connect_HostName_Calls()
    {
        using SocketServer server = new();
        await EchoOnceAsync(server, new DnsEndPoint("localhost", ((IPEndPoint)server.EndPoint).Port));
    }

    [Fact]
    public async Task Calls_ManyCallers_EachGetsItsOwnReply()
    {
        const int Callers = 64;
        const int CallsEach = 200;
        using SocketServer server = new();
        (RpcConnection client, Socket peer) = await server.ConnectAsync();
        Task echo = SocketServer.EchoInReverseAsync(peer);
        await Task.WhenAll(Enumerable.Range(0, Callers).Select(caller => Task.Run(async () =>
        {
            for (int i = 0; i < CallsEach; i++)
            {
                string text = $"{caller} {i} {new string('x', i * 7 % 300)}";
                Assert.Equal(text, (await HelloAsync(client, text)).Value);
            }
        }))).Within();
        Assert.Equal(0, client.PendingCalls);
        await client.DisposeAsync().Within();
        await echo.Within();
    }

    [Fact]
    public async Task Calls_TwentyThousandAtOnceSomeCancelled_NothingIsMixedUpOrLeft()
    {
        const int Calls = 20_000;
        using SocketServer server = new();
        (RpcConnection client, Socket peer) = await server.ConnectAsync();
        Task echo = SocketServer.EchoInReverseAsync(peer);
        int answered = 0;
        int cancelled = 0;
        await Parallel.ForAsync(0, Calls, new ParallelOptions { MaxDegreeOfParallelism = 500 }, async (i, _) =>
        {
            using CancellationTokenSource source = new();
            Task<StringValue> call = HelloAsync(client, $"{i}", source.Token);
            if (i % 3 == 0)
            {
                await source.CancelAsync();
            }

            try
            {
                Assert.Equal($"{i}", (await call).Value);
                Interlocked.Increment(ref answered);
            }
            catch (OperationCanceledException) when (i % 3 == 0)
            {
                Interlocked.Increment(ref cancelled);
            }
        }).Within();
        Assert.Equal(Calls, answered + cancelled);
        Assert.Equal(0, client.PendingCalls);
        await client.DisposeAsync().Within();
        await echo.Within();
        Assert.Equal(0, client.QueuedCalls);
    }

    [Fact]
    public async Task Dispose_NoCallUnderWay_PeerSeesFinAndNeedNotAnswer()
    {
        using SocketServer server = new();
        (RpcConnection client, Socket peer) = await server.ConnectAsync();
        using Socket _ = peer;
        await client.DisposeAsync().Within();
        Assert.Equal(0, await peer.ReceiveAsync(new byte[1]).Within());
    }

    [Fact]
    public async Task Dispose_CallsUnderWay_FailThemAndThePeerSeesAResetAtOnce()
    {
        using SocketServer server = new();
        (RpcConnection client, Socket peer) = await server.ConnectAsync(new RpcConnectionOptions { CloseTimeout = Timeout.InfiniteTimeSpan });
        using Socket _ = peer;
        Task<StringValue>[] calls = [HelloAsync(client, "a"), HelloAsync(client, "b")];
        byte[] requests = new byte[2 * (16 + 51 + 3)];
        await ReadExactlyAsync(peer, requests);

        Task disposing = client.DisposeAsync().AsTask();
        foreach (Task<StringValue> call in calls)
        {
            RpcException failed = await Assert.ThrowsAsync<RpcException>(() => call.Within());
            Assert.Equal(RpcErrorCode.Connection, failed.Code);
        }

        await AssertResetAsync(peer);
        await disposing.Within();

        RpcException afterwards = await Assert.ThrowsAsync<RpcException>(() => HelloAsync(client, "c").Within());
        Assert.Equal(RpcErrorCode.Connection, afterwards.Code);
        await client.DisposeAsync().Within();
    }

    [Fact]
    public async Task Dispose_OnlyACancelledCallUnanswered_PeerSeesAResetAtOnce()
    {
        using SocketServer server = new();
        (RpcConnection client, Socket peer) = await server.ConnectAsync(new RpcConnectionOptions { CloseTimeout = Timeout.InfiniteTimeSpan });
        using Socket _ = peer;
        using CancellationTokenSource source = new();
        Task<StringValue> call = HelloAsync(client, "a", source.Token);
        await ReadExactlyAsync(peer, new byte[16 + 51 + 3]);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.Within());
        await client.DisposeAsync().Within();
        await AssertResetAsync(peer);
    }

    [Fact]
    public async Task Dispose_CancelledCallAnsweredLate_PeerSeesFin()
    {
        using SocketServer server = new();
        (RpcConnection client, Socket peer) = await server.ConnectAsync();
        using Socket _ = peer;
        using CancellationTokenSource source = new();
        Task<StringValue> cancelled = HelloAsync(client, "a", source.Token);
        await ReadExactlyAsync(peer, new byte[16 + 51 + 3]);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.Within());
        Task<StringValue> next = HelloAsync(client, "b");
        await ReadExactlyAsync(peer, new byte[16 + 51 + 3]);
        await peer.SendAsync((byte[])[.. Wire.Reply(1, "late"), .. Wire.Reply(2, "b")]).Within();
        Assert.Equal("b", (await next.Within()).Value);
        await client.DisposeAsync().Within();
        Assert.Equal(0, await peer.ReceiveAsync(new byte[1]).Within());
    }

    [Fact]
    public async Task Calls_PeerClosesItsHalf_FailAndThePeerSeesAReset()
    {
        using SocketServer server = new();
        (RpcConnection client, Socket peer) = await server.ConnectAsync(new RpcConnectionOptions { CloseTimeout = Timeout.InfiniteTimeSpan });
        using Socket _ = peer;
        Task<StringValue> call = HelloAsync(client, "a");
        await ReadExactlyAsync(peer, new byte[16 + 51 + 3]);
        peer.Shutdown(SocketShutdown.Send);
        Assert.Equal(RpcErrorCode.Connection, (await Assert.ThrowsAsync<RpcException>(() => call.Within())).Code);

        // No Dispose is needed for the peer to be told.
        await AssertResetAsync(peer);
        await client.DisposeAsync().Within();
    }

    [Fact]
    public async Task Dispose_PeerThatReadsNothing_EndsAtOnce()
    {
        using SocketServer server = new();
        (RpcConnection client, Socket peer) = await server.ConnectAsync(new RpcConnectionOptions { CloseTimeout = Timeout.InfiniteTimeSpan });
        using Socket _ = peer;
        string large = new('x', 1_000_000);
        Task<StringValue>[] calls = [.. Enumerable.Range(0, 30).Select(_ => HelloAsync(client, large))];
        await client.DisposeAsync().Within();
        foreach (Task<StringValue> call in calls)
        {
            await Assert.ThrowsAsync<RpcException>(() => call.Within());
        }

        await TimeLimits.Until(() => client.QueuedCalls == 0);
    }

    [Fact]
    public async Task Dispose_ManyTimesAtOnceWithCallsStarting_EveryCallEnds()
    {
        for (int round = 0; round < 20; round++)
        {
            using SocketServer server = new();
            (RpcConnection client, Socket peer) = await server.ConnectAsync();
            Task echo = SocketServer.EchoInReverseAsync(peer);
            Task<bool>[] callers = [.. Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
            {
                while (true)
                {
                    try
                    {
                        Assert.Equal("x", (await HelloAsync(client, "x")).Value);
                    }
                    catch (RpcException exception)
                    {
                        return exception.Code == RpcErrorCode.Connection;
                    }
                }
            }))];
            await HelloAsync(client, "under way").Within();
            await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => client.DisposeAsync().AsTask()))).Within();
            Assert.All(await Task.WhenAll(callers).Within(), Assert.True);
            try
            {
                await echo.Within();
            }
            catch (IOException)
            {
                // Calls were under way: the peer was reset.
            }

            Assert.Equal(0, client.PendingCalls);
        }
    }

    [Fact]
    public async Task Calls_PeerResets_FailWithNetwork()
    {
        using SocketServer server = new();
        (RpcConnection client, Socket peer) = await server.ConnectAsync();
        Task<StringValue> call = HelloAsync(client, "a");
        await ReadExactlyAsync(peer, new byte[16 + 51 + 3]);
        peer.Close(0);
        RpcException failed = await Assert.ThrowsAsync<RpcException>(() => call.Within());
        Assert.Equal(RpcErrorCode.Network, failed.Code);
        await client.DisposeAsync().Within();
    }

    [Fact]
    public async Task Calls_PeerSendsGarbage_ConnectionIsReset()
    {
        using SocketServer server = new();
        (RpcConnection client, Socket peer) = await server.ConnectAsync();
        using Socket _ = peer;
        Task<StringValue> call = HelloAsync(client, "a");
        await peer.SendAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray()).Within();
        Assert.Equal(RpcErrorCode.Decoding, (await Assert.ThrowsAsync<RpcException>(() => call.Within())).Code);
        await client.Closed.Within();

        // No Dispose is needed for the peer to be told.
        await Assert.ThrowsAsync<SocketException>(async () =>
        {
            while (await peer.ReceiveAsync(new byte[1024]).Within() > 0)
            {
            }
        });
        await client.DisposeAsync().Within();
    }

    private static async Task EchoOnceAsync(SocketServer server, EndPoint endPoint)
    {
        await using RpcConnection client = await RpcConnection.ConnectAsync(endPoint, new RpcConnectionOptions { ProtocolVersion = 1 }).Within();
        Task echo = SocketServer.EchoInReverseAsync(await server.AcceptAsync());
        Assert.Equal("a", (await HelloAsync(client, "a").Within()).Value);
        await client.DisposeAsync().Within();
        await echo.Within();
    }

    private static Task<StringValue> HelloAsync(RpcConnection client, string text, CancellationToken cancellationToken = default) =>
        client.CallAsync<StringValue, StringValue>("helloworld", "Hello", Wire.Text(text), cancellationToken).AsTask();

    private static async Task AssertResetAsync(Socket peer)
    {
        SocketException failed = await Assert.ThrowsAsync<SocketException>(() => peer.ReceiveAsync(new byte[1]).Within());
        Assert.Equal(SocketError.ConnectionReset, failed.SocketErrorCode);
    }

    private static async Task ReadExactlyAsync(Socket peer, byte[] buffer)
    {
        for (int read = 0; read < buffer.Length;)
        {
            int count = await peer.ReceiveAsync(buffer.AsMemory(read)).Within();
            Assert.NotEqual(0, count);
            read += count;
        }
    }

    private sealed class NeverConnects : IConnectionFactory
    {
        public async ValueTask<ConnectionContext> ConnectAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            throw new InvalidOperationException("Not reached.");
        }
    }
}
