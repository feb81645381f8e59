using System.Net.Sockets;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>A log that throws at the lines of the connection limit: the limit works as with any other.</summary>
public sealed class LimitLogTests
{
    private const int Limit = 2;
    private const int Rounds = 3;
    private const int ReachedEvent = 120;
    private const int LeftEvent = 121;
    private static readonly TimeSpan Calm = TimeSpan.FromSeconds(2);

    public static MatrixTheoryData<TransportKind, bool> Engines => new([TransportKind.Epoll, TransportKind.IoUring, TransportKind.Blocking], [false, true]);

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Limit_LogThrows_RefusesAndServesAsEver(TransportKind engine, bool inFilter)
    {
        var time = new StoppedTime();
        await using TestTransport transport = await Create(engine, time).StartAsync();
        transport.LogFails = !inFilter;
        transport.LogFilterFails = inFilter;
        using Socket stays = await ServedAsync(transport, time);
        for (int round = 0; round < Rounds; round++)
        {
            using Socket leaves = await ServedAsync(transport, time);
            for (int i = 0; i < 3; i++)
            {
                var error = await Assert.ThrowsAsync<SocketException>(() => ConnectAsync(transport));
                Assert.Equal(SocketError.ConnectionReset, error.SocketErrorCode);
            }

            await EchoByteAsync(stays);
            await EchoByteAsync(leaves);
        }

        using Socket last = await ServedAsync(transport, time);
        await EchoByteAsync(stays);
        if (!inFilter)
        {
            int[] events = [.. transport.LostEvents.Where(id => id is ReachedEvent or LeftEvent)];
            Assert.True(events.Length >= 2 * Rounds);
            Assert.All(events.Chunk(2), incident => Assert.Equal([ReachedEvent, LeftEvent], incident));
        }
    }

    private static TestTransport Create(TransportKind engine, TimeProvider time) => engine switch
    {
        TransportKind.Epoll => new TestTransport(new EpollTransportOptions { LoopCount = 1, MaxConnections = Limit }, time),
        TransportKind.IoUring => new TestTransport(
            new IoUringTransportOptions { LoopCount = 1, MaxConnections = Limit, Fallback = IoUringFallback.Fail }, time),
        _ => new TestTransport(new BlockingTransportOptions { MaxConnections = Limit }, time),
    };

    // The place of one that left comes back a moment after its client is gone. Whoever gets it then ends the incident.
    private static async Task<Socket> ServedAsync(TestTransport transport, StoppedTime time)
    {
        Socket? served = null;
        await Eventually.TrueAsync(async () =>
        {
            time.Advance(Calm);
            try
            {
                served = await ConnectAsync(transport);
            }
            catch (SocketException)
            {
                // Not yet.
            }

            return served is not null;
        });
        return served!;
    }

    // Refused is: a reset at once, whether the connect or the first exchange shows it.
    private static async Task<Socket> ConnectAsync(TestTransport transport)
    {
        Socket socket = await transport.ConnectAsync();
        try
        {
            await EchoByteAsync(socket);
            return socket;
        }
        catch
        {
            // Not handed over.
            socket.Dispose();
            throw;
        }
    }

    private static async Task EchoByteAsync(Socket socket)
    {
        await socket.SendAsync(new byte[] { 1 });
        Assert.Equal(1, await socket.ReceiveAsync(new byte[1]).Limited());
    }
}
