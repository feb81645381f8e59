using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport.Tests.Connecting;

/// <summary>End points with a name in place of an address.</summary>
internal static class NameChecks
{
    private static readonly IPAddress Dead = IPAddress.Parse("127.0.0.77"); // where nobody listens at the port of a test

    public static async Task LocalHostAsync(TransportVariant transport)
    {
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, Handlers.EchoAsync);
        int port = ((IPEndPoint)server.EndPoint).Port;

        ConnectionContext connection = await server.Host.Dialler().ConnectAsync(new DnsEndPoint("localhost", port)).Limited();

        Assert.Equal(server.EndPoint, connection.RemoteEndPoint); // the address, not the name
        await connection.EchoAsync(seed: 1, 1000);
        await connection.CloseAsync();
        await server.StopAsync();
    }

    public static async Task NextAfterRefusalAsync(TransportVariant transport)
    {
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, Handlers.EchoAsync);
        await using TransportFactory factory = ClientOnly.Create(transport, resolve: Addresses(Dead, IPAddress.Loopback));

        ConnectionContext connection = await factory.ConnectAsync(new DnsEndPoint("name", ((IPEndPoint)server.EndPoint).Port)).Limited();

        await connection.EchoAsync(seed: 1, 1000);
        await connection.CloseAsync();
        Assert.Equal(0, factory.ConnectionCount());
        await server.StopAsync();
    }

    public static async Task NextAfterSilenceAsync(TransportVariant transport)
    {
        using var silent = new FullListener(new IPEndPoint(Dead, 0));
        int port = ((IPEndPoint)silent.EndPoint).Port;
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        listener.Listen();
        await using TransportFactory factory = ClientOnly.Create(transport, TimeSpan.FromSeconds(4), Addresses(Dead, IPAddress.Loopback));

        ConnectionContext connection = await factory.ConnectAsync(new DnsEndPoint("name", port)).Limited();

        Assert.Equal(listener.LocalEndPoint, connection.RemoteEndPoint);
        await connection.DisposeAsync().Limited();
    }

    public static async Task NoneAsync(TransportVariant transport)
    {
        IPEndPoint dead = Dialling.DeadEndPoint();
        await using TransportFactory factory = ClientOnly.Create(transport, resolve: Addresses(Dead, IPAddress.Loopback));

        var error = await Assert.ThrowsAsync<SocketException>(() => factory.ConnectAsync(new DnsEndPoint("name", dead.Port)).Limited());

        Assert.Equal(SocketError.ConnectionRefused, error.SocketErrorCode);
        Assert.Contains($"name:{dead.Port}", error.Message, StringComparison.Ordinal);
        Assert.Contains($"{Dead}:{dead.Port}", error.Message, StringComparison.Ordinal);
        Assert.Contains(dead.ToString(), error.Message, StringComparison.Ordinal);
    }

    public static async Task NoAddressAsync(TransportVariant transport)
    {
        await using TransportFactory none = ClientOnly.Create(transport, resolve: Addresses());
        await using TransportFactory unknown = ClientOnly.Create(
            transport, resolve: (_, _) => Task.FromException<IPAddress[]>(new SocketException((int)SocketError.HostNotFound)));

        var error = await Assert.ThrowsAsync<SocketException>(() => none.ConnectAsync(new DnsEndPoint("name", 1)).Limited());
        Assert.Equal(SocketError.NoData, error.SocketErrorCode);
        error = await Assert.ThrowsAsync<SocketException>(() => unknown.ConnectAsync(new DnsEndPoint("name", 1)).Limited());
        Assert.Equal(SocketError.HostNotFound, error.SocketErrorCode);
    }

    public static async Task SilentNameServerAsync(TransportVariant transport)
    {
        var never = new TaskCompletionSource<IPAddress[]>();
        await using TransportFactory hasty = ClientOnly.Create(transport, TimeSpan.FromMilliseconds(100), (_, _) => never.Task);
        await using TransportFactory patient = ClientOnly.Create(transport, Timeout.InfiniteTimeSpan, (_, _) => never.Task);
        using var source = new CancellationTokenSource();
        Task<ConnectionContext> connecting = patient.ConnectAsync(new DnsEndPoint("name", 1), source.Token).AsTask();

        var error = await Assert.ThrowsAsync<SocketException>(() => hasty.ConnectAsync(new DnsEndPoint("name", 1)).Limited());
        await source.CancelAsync();

        Assert.Equal(SocketError.TimedOut, error.SocketErrorCode);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting.Limited());
    }

    private static Func<DnsEndPoint, CancellationToken, Task<IPAddress[]>> Addresses(params IPAddress[] addresses) =>
        (_, _) => Task.FromResult(addresses);
}
