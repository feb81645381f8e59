using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Kestrel.Rpc.Transport.Tests.Connecting;

/// <summary>A connection made by the transport behaves as one that it accepted. Both ends are on the same loops.</summary>
internal static class ConnectChecks
{
    private const int Large = 3_000_000;

    public static Task TcpV4Async(TransportVariant transport) => EchoAsync(transport, new IPEndPoint(IPAddress.Loopback, 0));

    public static Task TcpV6Async(TransportVariant transport) => EchoAsync(transport, new IPEndPoint(IPAddress.IPv6Loopback, 0));

    /// <summary>::ffff:127.0.0.1 over an IPv6 socket, to a server that knows IPv4 only.</summary>
    public static Task MappedAddressAsync(TransportVariant transport) => EchoAsync(
        transport,
        new IPEndPoint(IPAddress.Loopback, 0),
        bound => new IPEndPoint(IPAddress.Loopback.MapToIPv6(), ((IPEndPoint)bound).Port));

    public static async Task UnixPathAsync(TransportVariant transport)
    {
        using var folder = new TemporaryFolder();
        await EchoAsync(transport, new UnixDomainSocketEndPoint(Path.Combine(folder.Path, "s")));
    }

    public static Task UnixAbstractAsync(TransportVariant transport) =>
        EchoAsync(transport, new UnixDomainSocketEndPoint($"\0kestrel-rpc-{Guid.NewGuid():N}"));

    /// <summary>The client's FIN ends the server's input alone: what the server then sends still arrives.</summary>
    public static async Task HalfCloseAsync(TransportVariant transport)
    {
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, async connection =>
        {
            await connection.Transport.Input.ReadPayloadAsync(seed: 1, 10_000);
            await connection.Transport.Input.DrainAsync();
            await connection.Transport.Output.WritePayloadAsync(seed: 2, Large);
        });
        ConnectionContext client = await server.DialAsync();
        await client.Transport.Output.WritePayloadAsync(seed: 1, 10_000);
        await client.Transport.Output.CompleteAsync().Limited();
        await client.Transport.Input.ReadPayloadAsync(seed: 2, Large);
        await client.Transport.Input.DrainAsync();
        await client.DisposeAsync().Limited();
        await server.StopAsync();
    }

    public static async Task AbortAsync(TransportVariant transport)
    {
        var seen = new TaskCompletionSource<Exception?>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, async connection =>
            seen.SetResult(await Record.ExceptionAsync(() => Handlers.EchoAsync(connection))));
        ConnectionContext client = await server.DialAsync();
        await client.EchoAsync(seed: 1, 1000);

        client.Abort(new ConnectionAbortedException("The test's reason."));

        Assert.IsType<ConnectionResetException>(await seen.Task.Limited());
        var error = await Assert.ThrowsAsync<ConnectionAbortedException>(() => client.Transport.Input.ReadAsync().Limited());
        Assert.Equal("The test's reason.", error.Message);
        Assert.True(await ClosedAsync(client));
        await client.DisposeAsync().Limited();
        await server.StopAsync();
    }

    public static async Task PeerResetAsync(TransportVariant transport)
    {
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, async connection =>
        {
            await connection.Transport.Input.ReadPayloadAsync(seed: 1, 10);
            connection.Abort(new ConnectionAbortedException("The server does not like it."));
        });
        ConnectionContext client = await server.DialAsync();
        await client.Transport.Output.WritePayloadAsync(seed: 1, 10);

        await Assert.ThrowsAsync<ConnectionResetException>(() => client.Transport.Input.DrainAsync());
        Assert.True(await ClosedAsync(client));
        await client.DisposeAsync().Limited();
        await server.StopAsync();
    }

    /// <summary>First nobody reads what the client sends, then the client does not read: memory stays bounded, all bytes arrive.</summary>
    public static async Task BackPressureAsync(TransportVariant transport)
    {
        const int Limit = 128 * 1024;
        const long Total = 32 * 1024 * 1024;
        const long Bound = 16 * 1024 * 1024; // what the limits and both sockets' buffers hold at most, with room to spare
        var read = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        long answered = 0;
        await using ConnectionServer server = await ConnectionServer.StartAsync(
            transport,
            async connection =>
            {
                await read.Task.Limited();
                await connection.Transport.Input.ReadPayloadAsync(seed: 1, Total);
                await WriteCountingAsync(connection.Transport.Output, seed: 2, Total, written => Volatile.Write(ref answered, written));
            },
            new TransportSettings { MaxReadBufferSize = Limit, MaxWriteBufferSize = Limit });
        ConnectionContext client = await server.DialAsync();
        long sent = 0;

        Task sending = WriteCountingAsync(client.Transport.Output, seed: 1, Total, written => Volatile.Write(ref sent, written));
        Assert.InRange(await Eventually.StableAsync(() => Volatile.Read(ref sent)), 1, Bound);
        Assert.InRange((long)server.Host.Pool.Outstanding * 4096, 0, 16 * Limit);
        read.SetResult();
        await sending.Limited();

        await Eventually.TrueAsync(() => Volatile.Read(ref answered) > 0);
        Assert.InRange(await Eventually.StableAsync(() => Volatile.Read(ref answered)), 1, Bound);
        Assert.InRange((long)server.Host.Pool.Outstanding * 4096, 0, 16 * Limit);
        await client.Transport.Input.ReadPayloadAsync(seed: 2, Total);
        await client.CloseAsync();
        await server.StopAsync();
    }

    public static async Task FeaturesAsync(TransportVariant transport)
    {
        var accepted = new TaskCompletionSource<(EndPoint? Local, EndPoint? Remote)>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, connection =>
        {
            accepted.SetResult((connection.LocalEndPoint, connection.RemoteEndPoint));
            return Handlers.EchoAsync(connection);
        });
        ConnectionContext client = await server.DialAsync();
        (EndPoint? local, EndPoint? remote) = await accepted.Task.Limited();

        Assert.Equal(server.EndPoint, client.RemoteEndPoint);
        Assert.Equal(local, client.RemoteEndPoint);
        Assert.Equal(remote, client.LocalEndPoint);
        Assert.NotEmpty(client.ConnectionId);
        Socket socket = client.Features.Get<IConnectionSocketFeature>()!.Socket;
        Assert.True(socket.NoDelay);
        Assert.Equal(remote, socket.LocalEndPoint);
        client.Features.Set(new object());
        Assert.NotNull(client.Features.Get<object>());
        Assert.False(client.ConnectionClosed.IsCancellationRequested);
        await client.CloseAsync();
        await server.StopAsync();
    }

    /// <summary>A proxy in front of an echo server, where everything shares the loops; inline, handlers run on them.</summary>
    public static async Task FromAHandlerAsync(TransportVariant transport)
    {
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, Handlers.EchoAsync);
        await using var listener = await server.Host.BindAsync(new IPEndPoint(IPAddress.Loopback, 0));
        Task proxy = Task.Run(async () =>
        {
            ConnectionContext front = (await listener.AcceptAsync().Limited())!;
            ReadResult first = await front.Transport.Input.ReadAsync().Limited(); // from here on it runs where the transport runs it
            front.Transport.Input.AdvanceTo(first.Buffer.Start);
            ConnectionContext back = await server.DialAsync();
            Task forth = front.Transport.Input.CopyToAsync(back.Transport.Output);
            Task back2 = back.Transport.Input.CopyToAsync(front.Transport.Output);
            await forth.Limited();
            await back.Transport.Output.CompleteAsync();
            await back2.Limited();
            await back.DisposeAsync().Limited();
            await front.DisposeAsync().Limited();
        });

        ConnectionContext client = await server.Host.Dialler().ConnectAsync(listener.EndPoint).Limited();
        await client.EchoAsync(seed: 3, Large);
        await client.CloseAsync();
        await proxy.Limited();
        await server.StopAsync();
    }

    private static async Task EchoAsync(TransportVariant transport, EndPoint endPoint, Func<EndPoint, EndPoint>? dialled = null)
    {
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, Handlers.EchoAsync, endPoint: endPoint);
        EndPoint target = dialled?.Invoke(server.EndPoint) ?? server.EndPoint;
        ConnectionContext client = await server.Host.Dialler().ConnectAsync(target).Limited();
        Assert.Equal(target, client.RemoteEndPoint);
        for (int i = 0; i < 50; i++)
        {
            await client.EchoAsync(seed: i, 64);
        }

        await client.EchoAsync(seed: 99, Large);
        await client.CloseAsync();
        await server.StopAsync();
    }

    private static async Task WriteCountingAsync(PipeWriter output, int seed, long length, Action<long> report)
    {
        const int Piece = 16 * 1024;
        for (long position = 0; position < length; position += Piece)
        {
            Payload.Fill(output.GetSpan(Piece)[..Piece], seed, position);
            output.Advance(Piece);
            await output.FlushAsync().Limited();
            report(position + Piece);
        }
    }

    private static async Task<bool> ClosedAsync(ConnectionContext connection)
    {
        var closed = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        using (connection.ConnectionClosed.Register(() => closed.TrySetResult(true)))
        {
            return await closed.Task.Limited();
        }
    }
}
