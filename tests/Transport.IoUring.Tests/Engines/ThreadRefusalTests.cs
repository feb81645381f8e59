using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>A kernel that gives no more threads, for real in a process of its own.</summary>
public sealed class ThreadRefusalTests
{
    [Fact]
    public Task Accept_NoThreadForTheConnection_PausesResetsAndGoesOn() =>
        ChildProcess.RunCheckAsync(ThreadRefusalChecks.AcceptingPausesAsync, TransportVariants.Parse("Blocking-1-Inline"));

    [Theory, Transports(OwnOnly = true, OneLoop = true)]
    public Task Bind_NoThreadForTheLoop_ThrowsAndWorksLater(TransportVariant transport) =>
        ChildProcess.RunCheckAsync(ThreadRefusalChecks.BindThrowsAsync, transport);
}

/// <summary>The children's side.</summary>
internal static class ThreadRefusalChecks
{
    private const int PausedEvent = 102;
    private static readonly TimeSpan LongerThanAnyConnectionWaits = TimeSpan.FromSeconds(11);

    /// <summary>Served connections go on; one that waits too long is reset, one that does not is served when there are threads again.</summary>
    public static async Task AcceptingPausesAsync(TransportVariant transport)
    {
        await DescriptorLimitChecks.StartAllPoolThreadsAsync(); // the test itself needs them
        var time = new StoppedTime();
        await using TestTransport server = await new TestTransport(new BlockingTransportOptions(), time).StartAsync();
        await server.EchoAsync(10_000);
        using Socket served = await server.ConnectAsync();
        await EchoByteAsync(served);

        ThreadSupply.Stop();
        using Socket unlucky = await server.ConnectAsync();
        await Eventually.TrueAsync(() => server.Log.Any(line => line.Id == PausedEvent));
        await EchoByteAsync(served);
        Assert.Equal(0, unlucky.Available);
        time.Advance(LongerThanAnyConnectionWaits);
        var error = await Assert.ThrowsAsync<SocketException>(() => unlucky.ReceiveAsync(new byte[1]).Limited());
        Assert.Equal(SocketError.ConnectionReset, error.SocketErrorCode);

        using Socket lucky = await server.ConnectAsync();
        await lucky.SendAsync(new byte[] { 1 });
        await EchoByteAsync(served);
        ThreadSupply.Resume();

        Assert.Equal(1, await lucky.ReceiveAsync(new byte[1]).Limited());
        await EchoByteAsync(served);
        await server.EchoAsync(10_000);
        Assert.Equal(1, server.Loops[0].Statistics.Rejected);
        Assert.Single(server.Log, line => line.Level >= LogLevel.Warning);
    }

    /// <summary>Nothing is left of a start without a thread, so the next is as good as the first.</summary>
    public static async Task BindThrowsAsync(TransportVariant transport)
    {
        await DescriptorLimitChecks.StartAllPoolThreadsAsync();
        await using TransportHost host = TransportHost.Create(transport);
        ThreadSupply.Stop();

        Exception? refusal = await Record.ExceptionAsync(() => host.BindAsync());

        ThreadSupply.Resume();
        Assert.IsType<IOException>(refusal);
        Assert.Contains("thread", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(0, host.Pool.Pools);
        await using IConnectionListener listener = await host.BindAsync();
        using TestClient client = await TestClient.ConnectAsync(listener.EndPoint);
        ConnectionContext connection = (await listener.AcceptAsync().Limited())!;
        Task echo = Handlers.EchoAsync(connection);
        await client.EchoAsync(seed: 1, 10_000);
        client.Fin();
        await echo.Limited();
        await connection.DisposeAsync().Limited();
    }

    private static async Task EchoByteAsync(Socket socket)
    {
        await socket.SendAsync(new byte[] { 1 });
        Assert.Equal(1, await socket.ReceiveAsync(new byte[1]).Limited());
    }
}
