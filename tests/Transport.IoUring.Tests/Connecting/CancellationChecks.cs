using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport.Tests.Connecting;

/// <summary>Connecting ends when somebody wants it to, and leaves no socket behind.</summary>
internal static class CancellationChecks
{
    private const int Many = 20;

    public static async Task BeforeAsync(TransportVariant transport)
    {
        await using TransportFactory factory = ClientOnly.Create(transport);
        using var source = new CancellationTokenSource();
        await source.CancelAsync();

        foreach (EndPoint endPoint in new EndPoint[] { Dialling.DeadEndPoint(), new DnsEndPoint("name", 1) })
        {
            var error = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => factory.ConnectAsync(endPoint, source.Token).Limited());
            Assert.Equal(source.Token, error.CancellationToken);
        }

        Assert.Null(factory.Loops);
    }

    public static async Task MeanwhileAsync(TransportVariant transport)
    {
        using var listener = new FullListener(new IPEndPoint(IPAddress.Loopback, 0));
        await using TransportFactory factory = ClientOnly.Create(transport);
        using var source = new CancellationTokenSource();
        List<Task<ConnectionContext>> canceled = [.. Enumerable.Range(0, Many).Select(_ => factory.ConnectAsync(listener.EndPoint, source.Token).AsTask())];
        Task<ConnectionContext> other = factory.ConnectAsync(listener.EndPoint).AsTask();
        await listener.WaitingAsync(Many + 1);

        await source.CancelAsync();

        foreach (Task<ConnectionContext> connecting in canceled)
        {
            var error = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting.Limited());
            Assert.Equal(source.Token, error.CancellationToken);
        }

        Assert.Equal(1, listener.Waiting()); // the sockets were closed before the callers heard of it
        Assert.Equal(1, factory.ConnectionCount());
        await listener.AcceptAsync();
        await (await other.Limited()).DisposeAsync().Limited();
    }

    public static async Task UnixMeanwhileAsync(TransportVariant transport)
    {
        using var folder = new TemporaryFolder();
        using var listener = new FullListener(new UnixDomainSocketEndPoint(Path.Combine(folder.Path, "s")));
        await using TransportFactory factory = ClientOnly.Create(transport, Timeout.InfiniteTimeSpan);
        using var source = new CancellationTokenSource();
        List<Task<ConnectionContext>> canceled = [.. Enumerable.Range(0, Many).Select(_ => factory.ConnectAsync(listener.EndPoint, source.Token).AsTask())];
        await Eventually.TrueAsync(() => factory.ConnectionCount() == Many);

        await source.CancelAsync();

        foreach (Task<ConnectionContext> connecting in canceled)
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting.Limited());
        }

        Assert.Equal(0, factory.ConnectionCount());
    }

    public static async Task AfterwardsAsync(TransportVariant transport)
    {
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, Handlers.EchoAsync);
        using var source = new CancellationTokenSource();
        ConnectionContext connection = await server.Host.Dialler().ConnectAsync(server.EndPoint, source.Token).Limited();

        await source.CancelAsync();

        await connection.EchoAsync(seed: 1, 100_000);
        await connection.CloseAsync();
        await server.StopAsync();
    }

    public static async Task DisposeAsync(TransportVariant transport)
    {
        using var silent = new FullListener(new IPEndPoint(IPAddress.Loopback, 0));
        using var folder = new TemporaryFolder();
        using var full = new FullListener(new UnixDomainSocketEndPoint(Path.Combine(folder.Path, "s")));
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, Handlers.EchoUntilResetAsync);
        TransportFactory factory = ClientOnly.Create(transport);
        ConnectionContext connection = await factory.ConnectAsync(server.EndPoint).Limited();
        await connection.EchoAsync(seed: 1, 1000);
        List<Task<ConnectionContext>> connecting =
        [
            .. Enumerable.Range(0, Many).Select(_ => factory.ConnectAsync(silent.EndPoint).AsTask()),
            .. Enumerable.Range(0, Many).Select(_ => factory.ConnectAsync(full.EndPoint).AsTask()),
        ];
        await silent.WaitingAsync(Many);

        await factory.DisposeAsync().Limited();

        foreach (Task<ConnectionContext> attempt in connecting)
        {
            await Assert.ThrowsAsync<ObjectDisposedException>(() => attempt.Limited());
        }

        Assert.Equal(0, silent.Waiting());
        Assert.Equal(0, factory.ConnectionCount());
        await Assert.ThrowsAsync<ConnectionAbortedException>(() => connection.Transport.Input.ReadAsync().Limited());
        connection.Abort(); // late, and without effect
        await connection.DisposeAsync().Limited();
        await server.StopAsync();
    }

    public static async Task UseAfterDisposeAsync(TransportVariant transport)
    {
        TransportFactory unused = ClientOnly.Create(transport);
        TransportFactory used = ClientOnly.Create(transport);
        await Assert.ThrowsAsync<SocketException>(() => used.ConnectAsync(Dialling.DeadEndPoint()).Limited());
        await unused.DisposeAsync().Limited();
        await used.DisposeAsync().Limited();
        await used.DisposeAsync().Limited();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => unused.ConnectAsync(Dialling.DeadEndPoint()).Limited());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => used.ConnectAsync(Dialling.DeadEndPoint()).Limited());
    }
}
