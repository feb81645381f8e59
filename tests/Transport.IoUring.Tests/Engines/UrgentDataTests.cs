using System.Net.Sockets;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>Urgent data of TCP: nobody wants it, but a receive stops short where it was.</summary>
public sealed class UrgentDataTests
{
    [Theory, Transports(OwnOnly = true, OneLoop = true)]
    public async Task Receive_UrgentByteInTheMiddle_BytesBehindItArrive(TransportVariant transport)
    {
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, Handlers.EchoAsync);
        for (int i = 0; i < 20; i++)
        {
            using TestClient client = await server.ConnectAsync();
            await client.SendAsync(new byte[] { 1, 2 });
            client.Socket.Send([3], SocketFlags.OutOfBand);
            await client.SendAsync(new byte[] { 4, 5 });

            Assert.Equal([1, 2, 4, 5], await client.ReceiveExactAsync(4));
            client.Fin();
            await client.ReceiveEndAsync();
        }

        await server.StopAsync();
    }
}
