using System.IO.Pipelines;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>A flush that would have to wait for the loop is done by the thread that has the bytes.</summary>
public sealed class DirectSendTests
{
    // More than the 64 KiB of the default write limit, less than what the two sockets hold, and not a whole number of blocks.
    private const int Large = 150_001;

    public static TheoryData<TransportKind> Engines => [TransportKind.Epoll, TransportKind.IoUring];

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Flush_AboveTheLimitWhileTheLoopStands_SendsItself(TransportKind engine)
    {
        await using TestTransport transport = await Create(engine).StartAsync();
        using Socket socket = await transport.ConnectAsync();
        socket.ReceiveBufferSize = 4 * Large;
        ConnectionContext connection = await AcceptedAsync(transport);
        using var standing = await StandAsync(transport.Loops[0]);

        byte[] sent = new byte[Large];
        Random.Shared.NextBytes(sent);
        ValueTask<FlushResult> flush = connection.Transport.Output.WriteAsync(sent);
        byte[] received = new byte[Large];
        for (int at = 0; at < Large;)
        {
            at += await socket.ReceiveAsync(received.AsMemory(at)).AsTask().WaitAsync(TestTransport.Limit);
            if (at < Large && !flush.IsCompleted)
            {
                standing.Release(); // the sockets of this kernel held less: the rest is the loop's, behind what was sent
            }
        }

        Assert.Equal(sent, received);
        await flush.AsTask().WaitAsync(TestTransport.Limit);
        Assert.True(connection.Features.Get<IConnectionStatisticsFeature>()!.BytesSent == Large);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Flush_MoreThanTheSocketTakes_RestFollowsInOrder(TransportKind engine)
    {
        const int Length = 20_000_000; // more than any socket holds
        await using TestTransport transport = await Create(engine).StartAsync();
        using Socket socket = await transport.ConnectAsync();
        ConnectionContext connection = await AcceptedAsync(transport);
        byte[] sent = new byte[Length];
        Random.Shared.NextBytes(sent);

        ValueTask<FlushResult> flush = connection.Transport.Output.WriteAsync(sent);
        Assert.False(flush.IsCompleted);
        byte[] received = new byte[Length];
        for (int at = 0; at < Length;)
        {
            at += await socket.ReceiveAsync(received.AsMemory(at)).AsTask().WaitAsync(TestTransport.Limit);
        }

        Assert.True(sent.AsSpan().SequenceEqual(received));
        await flush.AsTask().WaitAsync(TestTransport.Limit);
    }

    [Theory, Transports(OwnOnly = true)]
    public async Task Send_PeerResetsInTheMiddle_InputEndsWithTheReset(TransportVariant transport)
    {
        // The kernel may tell the error of a socket to a send that has sent something: its caller sees a short count, and no error.
        byte[] bytes = new byte[20_000_000];
        var ends = Channel.CreateUnbounded<Exception?>();
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, async connection =>
        {
            Task writing = WriteUntilTheEndAsync(connection.Transport.Output, bytes);
            ends.Writer.TryWrite(await EndOfInputAsync(connection.Transport.Input));
            await writing;
        });
        for (int i = 0; i < 20; i++)
        {
            using TestClient client = await server.ConnectAsync();
            await client.ReceiveExactAsync(bytes.Length / 4);
            client.Socket.LingerState = new LingerOption(true, 0);
            client.Socket.Dispose();

            Assert.IsType<ConnectionResetException>(await ends.Reader.ReadAsync().AsTask().Limited());
        }

        await server.StopAsync();
    }

    [Theory, Transports(OwnOnly = true, PoolOnly = true)]
    public async Task Flush_PeerHasReset_InputEndsWithTheReset(TransportVariant transport)
    {
        // Whether a flush or the loop's receive finds the reset is a race; the input must never end as if the peer had.
        byte[] bytes = new byte[Large];
        var ends = Channel.CreateUnbounded<Exception?>();
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, async connection =>
        {
            Task writing = Task.Run(() => WriteUntilTheEndAsync(connection.Transport.Output, bytes));
            Exception? end = await EndOfInputAsync(connection.Transport.Input);
            await writing;
            ends.Writer.TryWrite(end);
        });
        for (int i = 0; i < 100; i++)
        {
            using TestClient client = await server.ConnectAsync();
            await client.ReceiveExactAsync(1000);
            client.Socket.LingerState = new LingerOption(true, 0);
            client.Socket.Dispose();

            Assert.IsType<ConnectionResetException>(await ends.Reader.ReadAsync().AsTask().Limited());
        }

        await server.StopAsync();
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Complete_WithErrorAndUnflushedBytes_SendsNoneOfThem(TransportKind engine)
    {
        await using TestTransport transport = await Create(engine).StartAsync();
        for (int i = 0; i < 20; i++)
        {
            using Socket socket = await transport.ConnectAsync();
            await Eventually.TrueAsync(() => transport.Connections.Count == i + 1);
            await Eventually.StableAsync(() => transport.Loops[0].Iteration);
            ConnectionContext connection = transport.Connections.Last();

            connection.Transport.Output.GetSpan(100)[..100].Clear();
            connection.Transport.Output.Advance(100);
            await connection.Transport.Output.CompleteAsync(new IOException("No answer after all."));

            SocketException reset = await Assert.ThrowsAsync<SocketException>(
                () => socket.ReceiveAsync(new byte[1]).WaitAsync(TestTransport.Limit));
            Assert.Equal(SocketError.ConnectionReset, reset.SocketErrorCode);
        }
    }

    private static Task<Exception?> EndOfInputAsync(PipeReader input) => Record.ExceptionAsync(async () =>
    {
        while (await input.ReadAsync() is { IsCompleted: false } read)
        {
            input.AdvanceTo(read.Buffer.End);
        }
    }).AsTask();

    private static async Task WriteUntilTheEndAsync(PipeWriter output, byte[] bytes)
    {
        try
        {
            while (!(await output.WriteAsync(bytes)).IsCompleted)
            {
                // The peer reads nearly nothing.
            }
        }
        catch (IOException)
        {
            // The same end, with its reason.
        }
    }

    private static TestTransport Create(TransportKind engine) => engine == TransportKind.Epoll
        ? new TestTransport(new EpollTransportOptions { LoopCount = 1 })
        : new TestTransport(new IoUringTransportOptions { LoopCount = 1, Fallback = IoUringFallback.Fail });

    private static async Task<ConnectionContext> AcceptedAsync(TestTransport transport)
    {
        await Eventually.TrueAsync(() => transport.Connections.Count == 1);
        await Eventually.StableAsync(() => transport.Loops[0].Iteration);
        return transport.Connections.Single();
    }

    private static async Task<Standing> StandAsync(EventLoop loop)
    {
        var standing = new Standing();
        loop.Schedule(standing.Stand, null);
        await standing.Began.WaitAsync(TestTransport.Limit);
        return standing;
    }

    /// <summary>Keeps a loop from going on.</summary>
    private sealed class Standing : IDisposable
    {
        private readonly TaskCompletionSource _began = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly ManualResetEventSlim _release = new();

        public Task Began => _began.Task;

        public void Stand(object? state)
        {
            _began.SetResult();
            _release.Wait(TestTransport.Limit);
        }

        public void Release() => _release.Set();

        public void Dispose() => _release.Set(); // the loop may still be looking at it
    }
}
