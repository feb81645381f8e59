using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport.Tests.Connecting;

/// <summary>What takes a process of its own.</summary>
internal static class ConnectLimitChecks
{
    /// <summary>No descriptor is left: connecting fails at once with that reason, and works when there are some again.</summary>
    public static async Task NoDescriptorsAsync(TransportVariant transport)
    {
        DescriptorLimitChecks.LowerLimit();
        await DescriptorLimitChecks.StartAllPoolThreadsAsync();
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, Handlers.EchoAsync);

        // Everything below runs once before there are no descriptors for loading code.
        await Assert.ThrowsAsync<SocketException>(() => server.Host.Dialler().ConnectAsync(Dialling.DeadEndPoint()).Limited());
        ConnectionContext kept = await server.DialAsync();
        await kept.EchoAsync(seed: 1, 1000);
        var failures = new List<Exception?>();
        int[] fillers = DescriptorLimitChecks.TakeAllDescriptors(0);
        for (int i = 0; i < 3; i++)
        {
            failures.Add(await Record.ExceptionAsync(server.DialAsync));
        }

        Exception? echo = await Record.ExceptionAsync(() => kept.EchoAsync(seed: 2, 1000));
        Array.ForEach(fillers, filler => Posix.Check(Posix.close(filler)));

        Assert.Null(echo);
        Assert.All(failures, failure => Assert.Equal(SocketError.TooManyOpenSockets, Assert.IsType<SocketException>(failure).SocketErrorCode));
        ConnectionContext later = await server.DialAsync();
        await later.EchoAsync(seed: 3, 1000);
        await later.CloseAsync();
        await kept.CloseAsync();
        await server.StopAsync();
    }

    /// <summary>
    /// The kernel goes through the local ports, and one of them is the port that is dialled: without a check TCP then connects
    /// the socket to itself.
    /// </summary>
    public static async Task NeverConnectedToItselfAsync(TransportVariant transport)
    {
        // An even port: those are for connects, the odd ones for listeners on port 0, such as another process may have here.
        const int Port = 40_002;
        const int Attempts = 20_000; // more than there are even ports
        var endPoint = new IPEndPoint(IPAddress.IPv6Loopback, Port);
        await using TransportFactory factory = ClientOnly.Create(transport);
        int left = Attempts;
        int refused = 0;

        await Task.WhenAll(Enumerable.Range(0, 16).Select(async _ =>
        {
            while (Interlocked.Decrement(ref left) >= 0)
            {
                var error = await Assert.ThrowsAsync<SocketException>(() => factory.ConnectAsync(endPoint).AsTask());
                Assert.Equal(SocketError.ConnectionRefused, error.SocketErrorCode);
                Interlocked.Increment(ref refused);
            }
        })).Limited();

        Assert.Equal(Attempts, refused);
    }
}
