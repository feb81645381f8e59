using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport.Tests.Connecting;

/// <summary>Who cannot connect is told why, and nothing of the attempt is left.</summary>
internal static class ConnectFailureChecks
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(200);

    public static async Task RefusedAsync(TransportVariant transport)
    {
        await using TransportFactory factory = ClientOnly.Create(transport);
        IPEndPoint dead = Dialling.DeadEndPoint();

        var error = await Assert.ThrowsAsync<SocketException>(() => factory.ConnectAsync(dead).Limited());

        Assert.Equal(SocketError.ConnectionRefused, error.SocketErrorCode);
        Assert.Contains(dead.ToString(), error.Message, StringComparison.Ordinal);
        Assert.Equal(0, factory.ConnectionCount());
    }

    public static async Task SameErrorsAsSocketsAsync(TransportVariant transport)
    {
        using var folder = new TemporaryFolder();
        string file = Path.Combine(folder.Path, "file");
        await File.WriteAllTextAsync(file, "not a socket");
        string stale = Path.Combine(folder.Path, "stale");
        using (var gone = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            gone.Bind(new UnixDomainSocketEndPoint(stale));
        }

        await File.WriteAllTextAsync(stale, string.Empty); // .NET removes the file with its socket
        string datagrams = Path.Combine(folder.Path, "dgram");
        using var other = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        other.Bind(new UnixDomainSocketEndPoint(datagrams));
        await using TransportFactory factory = ClientOnly.Create(transport);

        foreach (EndPoint unreachable in new EndPoint[]
        {
            Dialling.DeadEndPoint(),
            new IPEndPoint(IPAddress.IPv6Loopback, 1),
            new IPEndPoint(IPAddress.Broadcast, 9), // no packet of TCP ever goes there
            new IPEndPoint(IPAddress.Parse("fe80::1"), 9), // link-local without a link
            new UnixDomainSocketEndPoint(Path.Combine(folder.Path, "missing")),
            new UnixDomainSocketEndPoint(stale),
            new UnixDomainSocketEndPoint(file),
            new UnixDomainSocketEndPoint(datagrams),
            new UnixDomainSocketEndPoint("\0kestrel-rpc-nobody"),
        })
        {
            var error = await Assert.ThrowsAsync<SocketException>(() => factory.ConnectAsync(unreachable).Limited());
            Assert.Equal((unreachable, await ErrorOfSocketsAsync(unreachable)), (unreachable, error.SocketErrorCode));
        }

        Assert.Equal(0, factory.ConnectionCount());
    }

    public static async Task NotSupportedAsync(TransportVariant transport)
    {
        await using TransportFactory factory = ClientOnly.Create(transport);

        await Assert.ThrowsAsync<NotSupportedException>(
            () => factory.ConnectAsync(new FileHandleEndPoint(0, FileHandleType.Tcp)).Limited());
        await Assert.ThrowsAsync<ArgumentNullException>(() => factory.ConnectAsync(null!).Limited());
    }

    public static async Task TimeOutAsync(TransportVariant transport)
    {
        using var listener = new FullListener(new IPEndPoint(IPAddress.Loopback, 0));
        await using TransportFactory factory = ClientOnly.Create(transport, Short);

        var error = await Assert.ThrowsAsync<SocketException>(() => factory.ConnectAsync(listener.EndPoint).Limited());

        Assert.Equal(SocketError.TimedOut, error.SocketErrorCode);
        Assert.Contains(listener.EndPoint.ToString()!, error.Message, StringComparison.Ordinal);
        Assert.Equal(0, listener.Waiting());
        Assert.Equal(0, factory.ConnectionCount());
    }

    public static async Task UnixTimeOutAsync(TransportVariant transport)
    {
        using var folder = new TemporaryFolder();
        using var listener = new FullListener(new UnixDomainSocketEndPoint(Path.Combine(folder.Path, "s")));
        await using TransportFactory factory = ClientOnly.Create(transport, Short);

        var error = await Assert.ThrowsAsync<SocketException>(() => factory.ConnectAsync(listener.EndPoint).Limited());

        Assert.Equal(SocketError.TimedOut, error.SocketErrorCode);
        Assert.Equal(0, factory.ConnectionCount());
    }

    public static async Task UnixWaitsForRoomAsync(TransportVariant transport)
    {
        using var folder = new TemporaryFolder();
        using var listener = new FullListener(new UnixDomainSocketEndPoint(Path.Combine(folder.Path, "s")));
        await using TransportFactory factory = ClientOnly.Create(transport);
        List<Task<ConnectionContext>> connecting = [.. Enumerable.Range(0, 20).Select(_ => factory.ConnectAsync(listener.EndPoint).AsTask())];

        for (int i = 0; i <= connecting.Count; i++) // the filler, and all of them
        {
            await listener.AcceptAsync();
        }

        foreach (Task<ConnectionContext> connect in connecting)
        {
            await (await connect.Limited()).DisposeAsync().Limited();
        }

        Assert.Equal(0, factory.ConnectionCount());
    }

    public static async Task TcpWaitsForRoomAsync(TransportVariant transport)
    {
        using var listener = new FullListener(new IPEndPoint(IPAddress.Loopback, 0));
        await using TransportFactory factory = ClientOnly.Create(transport);
        Task<ConnectionContext> connecting = factory.ConnectAsync(listener.EndPoint).AsTask();
        await listener.WaitingAsync(1);
        Assert.False(connecting.IsCompleted);

        await listener.AcceptAsync(); // the filler: the kernel's next try finds room

        ConnectionContext connection = await connecting.Limited();
        Assert.Equal(listener.EndPoint, connection.RemoteEndPoint);
        await connection.DisposeAsync().Limited();
    }

    private static async Task<SocketError> ErrorOfSocketsAsync(EndPoint endPoint)
    {
        ProtocolType protocol = endPoint is UnixDomainSocketEndPoint ? ProtocolType.Unspecified : ProtocolType.Tcp;
        using var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, protocol);
        return (await Assert.ThrowsAsync<SocketException>(() => socket.ConnectAsync(endPoint).Limited())).SocketErrorCode;
    }
}
