using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>Listening descriptors that were inherited, as from systemd's socket activation.</summary>
internal static class FileHandleChecks
{
    public static Task TcpHandleAsync(TransportVariant transport) =>
        ServeAsync(transport, CreateTcp(), FileHandleType.Tcp);

    public static Task AutoHandleOfTcpAsync(TransportVariant transport) =>
        ServeAsync(transport, CreateTcp(), FileHandleType.Auto);

    public static async Task AutoHandleOfUnixSocketAsync(TransportVariant transport)
    {
        using var folder = new TemporaryFolder();
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(Path.Combine(folder.Path, "s")));
        await ServeAsync(transport, socket, FileHandleType.Auto);
    }

    private static Socket CreateTcp()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }

    private static async Task ServeAsync(TransportVariant transport, Socket inherited, FileHandleType type)
    {
        // The original stays open beside the inherited one, as in the process that handed it down. Whether the transport
        // closes the inherited one at the end is its own affair, so nobody else may close it by number here.
        using Socket original = inherited;
        original.Listen();
        EndPoint address = original.LocalEndPoint!;
        int descriptor = Posix.Check(Posix.dup((int)original.Handle));
        await using ConnectionServer server = await ConnectionServer.StartAsync(
            transport,
            Handlers.EchoAsync,
            endPoint: new FileHandleEndPoint((ulong)descriptor, type));
        Assert.Equal(address.ToString(), server.EndPoint.ToString());
        for (int i = 0; i < 3; i++)
        {
            using TestClient client = await TestClient.ConnectAsync(address);
            await client.EchoAsync(seed: i, 10_000);
            client.Fin();
            await client.ReceiveEndAsync();
        }

        await server.StopAsync();
    }
}
