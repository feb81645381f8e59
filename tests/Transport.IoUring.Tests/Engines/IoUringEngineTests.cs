using System.Net.Sockets;
using Kestrel.Rpc.Transport.Native;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Transport.Tests.Engines;

public sealed class IoUringEngineTests
{
    [Fact]
    public async Task Start_OnThisMachine_RunsOnIoUring()
    {
        await using TestTransport transport = await new TestTransport(new IoUringTransportOptions { LoopCount = 1 }).StartAsync();

        Assert.Contains(transport.Log, entry => entry.Id == 100 && entry.Text.Contains("io_uring", StringComparison.Ordinal));
        Assert.DoesNotContain(transport.Log, entry => entry.Level >= LogLevel.Warning);
    }

    [Fact]
    public async Task Start_WhereIoUringIsRefused_ServesWithEpollAndWarnsOnce()
    {
        var options = new IoUringTransportOptions { LoopCount = 2, AllowedRingFlags = 0 };

        await using TestTransport transport = await new TestTransport(options).StartAsync();
        await transport.EchoAsync(10_000);

        (LogLevel Level, int Id, string Text) warning = Assert.Single(transport.Log, entry => entry.Level >= LogLevel.Warning);
        Assert.Equal(101, warning.Id);
        Assert.Contains("too old", warning.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_WhereIoUringIsRefusedAndMustNotBe_Throws()
    {
        var options = new IoUringTransportOptions { AllowedRingFlags = 0, Fallback = IoUringFallback.Fail };
        await using var transport = new TestTransport(options);

        var error = await Assert.ThrowsAsync<PlatformNotSupportedException>(() => transport.StartAsync());

        Assert.Contains("too old", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(IoUringConstants.IORING_SETUP_NO_SQARRAY)]
    [InlineData(IoUringConstants.IORING_SETUP_DEFER_TASKRUN)]
    [InlineData(IoUringConstants.IORING_SETUP_SINGLE_ISSUER)]
    public async Task Echo_WithoutAnOptionalRingFlag_Works(uint missing)
    {
        var options = new IoUringTransportOptions { LoopCount = 1, AllowedRingFlags = ~missing, Fallback = IoUringFallback.Fail };

        await using TestTransport transport = await new TestTransport(options).StartAsync();

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => transport.EchoAsync(300_000)));
    }

    [Fact]
    public async Task Echo_WithTooFewReceiveBuffers_LosesNothingAndDoesNotStall()
    {
        // ENOBUFS ends multishot receives over and over: two buffers for fifty connections that stream.
        var options = new IoUringTransportOptions { LoopCount = 1, ReceiveBufferCount = 2, Fallback = IoUringFallback.Fail };

        await using TestTransport transport = await new TestTransport(options).StartAsync();

        await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => transport.EchoAsync(200_000)));
    }

    [Fact]
    public async Task Resynchronise_CompletionsWereLost_ConnectionsEndAndTheListenerGoesOn()
    {
        await using TestTransport transport = await new TestTransport(new IoUringTransportOptions { LoopCount = 1 }).StartAsync();
        var loop = (IoUringLoop)transport.Loops[0];
        using Socket socket = await transport.ConnectAsync();
        await socket.SendAsync(new byte[] { 1 });
        await socket.ReceiveAsync(new byte[1]).WaitAsync(TestTransport.Limit); // served
        var lost = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        // The kernel reports the ends of all requests, and nobody hears of them.
        loop.Schedule(_ => Lose(loop, lost), null);
        await lost.Task.WaitAsync(TestTransport.Limit);

        var error = await Assert.ThrowsAsync<SocketException>(() => socket.ReceiveAsync(new byte[1]).WaitAsync(TestTransport.Limit));
        Assert.Equal(SocketError.ConnectionReset, error.SocketErrorCode);
        await transport.EchoAsync(10_000);
        Assert.Single(transport.Log, entry => entry.Level == LogLevel.Error);
    }

    private static void Lose(IoUringLoop loop, TaskCompletionSource lost)
    {
        loop.Ring.Add(new IoUringSqe
        {
            Opcode = IoUringConstants.IORING_OP_ASYNC_CANCEL,
            Fd = -1,
            OpFlags = 1 << 0 | 1 << 2, // IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY
        });
        uint seen = 0;
        while (seen < 4) // the cancel itself, the wake-up, the accept, the receive
        {
            Assert.Equal(0, loop.Ring.Enter(wait: true));
            while (loop.Ring.TryPeek(seen, out _))
            {
                seen++;
            }
        }

        loop.Ring.Advance(seen);
        loop.ResynchroniseOnLoop();
        lost.SetResult();
    }

    [Fact]
    public async Task Connections_OnTwoLoops_AreSharedEvenly()
    {
        await using TestTransport transport = await new TestTransport(new IoUringTransportOptions { LoopCount = 2 }).StartAsync();

        var sockets = new List<Socket>();
        for (int i = 0; i < 8; i++)
        {
            sockets.Add(await transport.ConnectAsync());
            await sockets[i].SendAsync(new byte[] { 1 });
            await sockets[i].ReceiveAsync(new byte[1]).WaitAsync(TestTransport.Limit); // served, so counted
        }

        Assert.Equal([4, 4], transport.ConnectionsPerLoop);
        sockets.ForEach(socket => socket.Dispose());
    }
}
