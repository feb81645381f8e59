using System.Net;
using System.Net.Sockets;
using Kestrel.Rpc.Transport.Native;
using static Kestrel.Rpc.Transport.Native.IoUringConstants;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>The kernel has lost completions, as it does without memory to keep them: it counts them in the ring's memory, and so does the test.</summary>
[Collection(MeasuringGroup.Name)]
public sealed class LossTests
{
    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, true)]
    public async Task Loss_Counted_IsNoticedOnceHoweverTheLoopWaits(bool spins, bool submissionPolling)
    {
        await using TestTransport transport = await Create(spins, submissionPolling).StartAsync();
        var loop = (IoUringLoop)transport.Loops[0];
        using Socket socket = await ServedAsync(transport);

        await loop.RunAsync(() => CountLoss(loop));
        await EndWaitAsync(loop);

        await AssertResetAsync(socket);
        await transport.EchoAsync(10_000);
        Assert.Equal(1, Volatile.Read(ref loop.Statistics.Losses));
    }

    [Fact]
    public async Task Loss_LogThrows_LoopLives()
    {
        await using TestTransport transport = await Create(spins: true, submissionPolling: false).StartAsync();
        var loop = (IoUringLoop)transport.Loops[0];
        using Socket socket = await ServedAsync(transport);
        transport.LogFails = true;

        await loop.RunAsync(() => CountLoss(loop));

        await AssertResetAsync(socket);
        await transport.EchoAsync(10_000);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Buffers_NamedByLostCompletions_AreOfferedAgain(bool spins)
    {
        const int Buffers = 2;
        await using TestTransport transport = await Create(spins, submissionPolling: false, Buffers).StartAsync();
        var loop = (IoUringLoop)transport.Loops[0];
        for (int round = 0; round < 3; round++)
        {
            using Socket first = await ServedAsync(transport);
            using Socket second = await ServedAsync(transport);
            var began = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Task lost = loop.RunAsync(() =>
            {
                began.SetResult();
                LoseReceives(loop, Buffers);
            });
            await began.Task.Limited(); // else the loop itself might get the bytes
            await first.SendAsync(new byte[] { 1 });
            await second.SendAsync(new byte[] { 1 });
            await lost;
            await EndWaitAsync(loop);

            await AssertResetAsync(first);
            await AssertResetAsync(second);
            await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => transport.EchoAsync(100_000))); // with no buffer it would wait for ever
        }

        Assert.Equal(3, Volatile.Read(ref loop.Statistics.Losses));
    }

    [Fact]
    public async Task Acceptor_TargetThrows_GoesOnAccepting()
    {
        await using TestTransport transport = await Create(spins: true, submissionPolling: false).StartAsync();
        var loop = (IoUringLoop)transport.Loops[0];
        using var listening = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listening.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listening.Listen();
        var target = new ThrowingTarget();
        IoUringAcceptor? acceptor = null;

        await loop.RunAsync(() =>
        {
            acceptor = (IoUringAcceptor)loop.CreateAcceptor((int)listening.Handle, target);
            acceptor.Resume();
            LoseEverything(loop);

            // Its last completion: a connection was gone before it was accepted.
            Assert.Throws<NoMemoryException>(() => acceptor.OnCompletion(CompletionKind.Accept, new IoUringCqe { Result = -Errno.ECONNABORTED }));
        });

        using Socket client = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(listening.LocalEndPoint!).Limited();
        await target.Accepted.Task.Limited();
        await loop.RunAsync(() => _ = acceptor!.StopAsync());
    }

    private static TestTransport Create(bool spins, bool submissionPolling, int? buffers = null)
    {
        var options = new IoUringTransportOptions { LoopCount = 1, Fallback = IoUringFallback.Fail };
        options.Polling.SpinTime = spins ? Timeout.InfiniteTimeSpan : TimeSpan.Zero;
        options.SubmissionPolling.Enabled = submissionPolling;
        options.SubmissionPolling.IdleTime = TimeSpan.FromMilliseconds(1);
        options.ReceiveBufferCount = buffers ?? options.ReceiveBufferCount;
        return new TestTransport(options);
    }

    private static async Task<Socket> ServedAsync(TestTransport transport)
    {
        Socket socket = await transport.ConnectAsync();
        await socket.SendAsync(new byte[] { 1 });
        Assert.Equal(1, await socket.ReceiveAsync(new byte[1]).Limited());
        return socket;
    }

    /// <summary>A real loss ends the wait of a loop that sleeps, with EBADR; the test's only counts.</summary>
    private static Task EndWaitAsync(EventLoop loop) => loop.RunAsync(() => { });

    private static async Task AssertResetAsync(Socket socket)
    {
        var error = await Assert.ThrowsAsync<SocketException>(() => socket.ReceiveAsync(new byte[1]).Limited());
        Assert.Equal(SocketError.ConnectionReset, error.SocketErrorCode);
    }

    /// <summary>What the kernel does when it drops a completion.</summary>
    private static unsafe void CountLoss(IoUringLoop loop)
    {
        uint offset = loop.Ring.Parameters.CqOff.Overflow;
        using MappedMemory ring = MappedMemory.OfDescriptor(loop.Ring.Descriptor, offset + sizeof(uint), IORING_OFF_SQ_RING);
        Interlocked.Increment(ref *(uint*)(ring.Address + offset));
    }

    private static void LoseReceives(IoUringLoop loop, int count)
    {
        uint seen = 0;
        for (int buffers = 0; buffers < count;)
        {
            Assert.Equal(0, loop.Ring.Enter(wait: true));
            while (loop.Ring.TryPeek(seen, out IoUringCqe completion))
            {
                seen++;
                buffers += (completion.Flags & IORING_CQE_F_BUFFER) != 0 ? 1 : 0;
            }
        }

        loop.Ring.Advance(seen);
        CountLoss(loop);
    }

    /// <summary>Ends all requests, and nobody hears of it.</summary>
    private static void LoseEverything(IoUringLoop loop)
    {
        loop.Ring.Add(new IoUringSqe
        {
            Opcode = IORING_OP_ASYNC_CANCEL,
            Fd = -1,
            OpFlags = 1 << 0 | 1 << 2, // IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY
        });
        uint seen = 0;
        while (seen < 4) // the cancel itself, the wake-up, both accepts
        {
            Assert.Equal(0, loop.Ring.Enter(wait: true));
            while (loop.Ring.TryPeek(seen, out _))
            {
                seen++;
            }
        }

        loop.Ring.Advance(seen);
        CountLoss(loop);
    }

    private sealed class ThrowingTarget : IAcceptTarget
    {
        public TaskCompletionSource Accepted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void OnAccepted(int descriptor)
        {
            _ = Libc.Close(descriptor);
            Accepted.TrySetResult();
        }

        public void OnAcceptError(int error, bool paused) => throw new NoMemoryException();
    }
}
