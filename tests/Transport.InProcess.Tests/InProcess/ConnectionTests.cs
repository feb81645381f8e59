using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>What the suite cannot see over sockets: the client's own side, and that both sides hold the same pipes.</summary>
public sealed class ConnectionTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Abort_EitherSide_OwnReadThrowsReasonOtherSeesReset(bool byServer)
    {
        await using Pair pair = await Pair.ConnectAsync();
        (ConnectionContext own, ConnectionContext other) = byServer ? (pair.Server, pair.Client) : (pair.Client, pair.Server);
        await own.Transport.Output.WriteAsync(new byte[10]).Limited();
        Task<ReadResult> ownRead = own.Transport.Input.ReadAsync().AsTask();

        own.Abort(new ConnectionAbortedException("Enough of it."));

        Assert.Equal("Enough of it.", (await Assert.ThrowsAsync<ConnectionAbortedException>(() => ownRead.Limited())).Message);
        for (int i = 0; i < 2; i++)
        {
            // Not only the read that met it.
            await Assert.ThrowsAsync<ConnectionResetException>(() => other.Transport.Input.ReadAsync().Limited());
            await Assert.ThrowsAsync<ConnectionAbortedException>(() => own.Transport.Input.ReadAsync().Limited());
            Assert.Throws<ConnectionResetException>(() => other.Transport.Input.TryRead(out _));
            Assert.True((await other.Transport.Output.WriteAsync(new byte[1]).Limited()).IsCompleted);
            Assert.True((await own.Transport.Output.WriteAsync(new byte[1]).Limited()).IsCompleted);
        }

        await Pair.ClosedAsync(own);
        await Pair.ClosedAsync(other);
    }

    /// <summary>An orderly abort leaves what was flushed to the other side, and then the end.</summary>
    [Fact]
    public async Task Abort_WithoutReason_OtherReadsTheRestAndTheEnd()
    {
        await using Pair pair = await Pair.ConnectAsync();
        await pair.Server.Transport.Output.WriteAsync(Payload.Create(1, 10_000)).Limited();
        pair.Server.Abort(null!);

        await pair.Client.Transport.Input.ReadPayloadAsync(seed: 1, 10_000);
        for (int i = 0; i < 2; i++)
        {
            ReadResult end = await pair.Client.Transport.Input.ReadAsync().Limited();
            Assert.True(end.IsCompleted);
            Assert.True(end.Buffer.IsEmpty);
            Assert.False(end.IsCanceled);
            pair.Client.Transport.Input.AdvanceTo(end.Buffer.End);
            Assert.True(pair.Client.Transport.Input.TryRead(out end));
            Assert.True(end.IsCompleted);
            pair.Client.Transport.Input.AdvanceTo(end.Buffer.End);
        }
    }

    [Fact]
    public async Task Complete_OutputWithError_OtherSeesReset()
    {
        await using Pair pair = await Pair.ConnectAsync();
        pair.Server.Transport.Output.Complete(new InvalidDataException("Half a reply."));
        await Assert.ThrowsAsync<ConnectionResetException>(() => pair.Client.Transport.Input.ReadAsync().Limited());
        await Assert.ThrowsAsync<InvalidDataException>(() => pair.Server.Transport.Input.ReadAsync().Limited());
    }

    /// <summary>The end of one direction leaves the other alone, whoever ends it.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Complete_OutputOfEitherSide_OtherDirectionGoesOn(bool byServer)
    {
        await using Pair pair = await Pair.ConnectAsync();
        (ConnectionContext own, ConnectionContext other) = byServer ? (pair.Server, pair.Client) : (pair.Client, pair.Server);
        await own.Transport.Output.WriteAsync(Payload.Create(1, 100)).Limited();
        own.Transport.Output.Complete();
        await other.Transport.Input.ReadPayloadAsync(seed: 1, 100);
        await other.Transport.Input.DrainAsync();
        await Pair.ClosedAsync(other);
        Assert.False(own.ConnectionClosed.IsCancellationRequested);
        await Task.WhenAll(other.Transport.Output.WritePayloadAsync(seed: 2, 1_000_000), own.Transport.Input.ReadPayloadAsync(seed: 2, 1_000_000));
    }

    /// <summary>A disposed side has left its bytes in the pipe, where the other finds them whenever it reads; an abort comes too late.</summary>
    [Fact]
    public async Task Dispose_UnreadBytes_AreReadLater()
    {
        await using Pair pair = await Pair.ConnectAsync();
        _ = pair.Server.Transport.Output.WriteAsync(Payload.Create(1, 3_000_000)).AsTask(); // waits for ever, and nobody waits for it
        await pair.Server.DisposeAsync().Limited();
        pair.Server.Abort(new ConnectionAbortedException("Too late."));
        await pair.Client.Transport.Input.ReadPayloadAsync(seed: 1, 3_000_000);
        await pair.Client.Transport.Input.DrainAsync();
        Assert.True((await pair.Client.Transport.Output.WriteAsync(new byte[1]).Limited()).IsCompleted);
    }

    /// <summary>Whoever goes on writing after the end, without looking at results, fills no memory.</summary>
    [Fact]
    public async Task Write_AfterTheEnd_IsDropped()
    {
        await using Pair pair = await Pair.ConnectAsync();
        PipeWriter output = pair.Server.Transport.Output;
        Memory<byte> before = output.GetMemory(100); // handed out before the end, used after it
        pair.Client.Abort(new ConnectionAbortedException("Gone."));
        before.Span.Fill(1);
        output.Advance(100);
        int outstanding = pair.Host.Pool.Outstanding;
        for (int i = 0; i < 1000; i++)
        {
            output.Write(new byte[10_000]);
            Assert.True((await output.FlushAsync().Limited()).IsCompleted);
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => output.Advance(1_000_000));
        Assert.Equal(outstanding, pair.Host.Pool.Outstanding);
        output.Complete();
        Assert.Throws<InvalidOperationException>(() => output.GetMemory());
    }

    /// <summary>CancelPendingRead and CancelPendingFlush are the application's, as with every pipe.</summary>
    [Fact]
    public async Task Cancel_PendingReadAndFlush_ReturnCanceled()
    {
        await using Pair pair = await Pair.ConnectAsync(new TransportSettings { MaxWriteBufferSize = 10 });
        Task<ReadResult> read = pair.Server.Transport.Input.ReadAsync().AsTask();
        pair.Server.Transport.Input.CancelPendingRead();
        Assert.True((await read.Limited()).IsCanceled);
        Task<FlushResult> flush = pair.Server.Transport.Output.WriteAsync(new byte[20]).AsTask();
        Assert.False(flush.IsCompleted);
        pair.Server.Transport.Output.CancelPendingFlush();
        FlushResult result = await flush.Limited();
        Assert.True(result.IsCanceled);
        Assert.False(result.IsCompleted);
        using var token = new CancellationTokenSource();
        flush = pair.Server.Transport.Output.WriteAsync(new byte[20], token.Token).AsTask();
        await token.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => flush.Limited());
    }

    [Fact]
    public async Task ConnectionClosed_CallbackThrows_IsLoggedAndConnectionEnds()
    {
        await using Pair pair = await Pair.ConnectAsync();
        pair.Server.ConnectionClosed.Register(() => throw new InvalidOperationException("Not my day."));
        await pair.Server.DisposeAsync().Limited();
        Assert.Contains(pair.Host.TransportLines, line => line.Id == 105 && line.Exception is AggregateException);
    }

    /// <summary>Inline, the handler runs within the client's flush, on the client's thread.</summary>
    [Fact]
    public async Task Inline_Handler_RunsOnTheClientsThread()
    {
        await using Pair pair = await Pair.ConnectAsync(variant: new TransportVariant(InProcessScheduling.Inline, Named: true));
        int? handler = null;
        _ = HandleAsync();
        int client = Environment.CurrentManagedThreadId;
        ValueTask<FlushResult> flush = pair.Client.Transport.Output.WriteAsync(new byte[1]);
        Assert.Equal(client, handler);
        await flush.Limited();

        async Task HandleAsync()
        {
            await pair.Server.Transport.Input.ReadAsync().ConfigureAwait(false);
            handler = Environment.CurrentManagedThreadId;
        }
    }

    /// <summary>However a connection ends, nothing of the transport holds on to it, while its server lives on.</summary>
    [Fact]
    public async Task Connections_Ended_AreCollected()
    {
        await using var server = await ConnectionServer.StartAsync(TransportVariants.All[0], Handlers.EchoUntilResetAsync);
        WeakReference[] ended = await EndManyAsync(server);
        await Eventually.TrueAsync(() => server.Live == 0);
        await Eventually.TrueAsync(() =>
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return ended.Count(reference => reference.IsAlive) <= 2; // what a thread has on its stack
        });
        await server.StopAsync();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<WeakReference[]> EndManyAsync(ConnectionServer server)
    {
        var references = new List<WeakReference>();
        for (int i = 0; i < 30; i++)
        {
            TestClient client = await server.ConnectAsync();
            references.Add(new WeakReference(client.Connection));
            await client.EchoAsync(seed: i, 1000);
            switch (i % 3)
            {
                case 0:
                    client.Fin();
                    await client.ReceiveEndAsync();
                    client.Dispose();
                    break;
                case 1:
                    client.Reset();
                    break;
                default:
                    client.Dispose();
                    break;
            }
        }

        return [.. references];
    }

    /// <summary>Both sides of one connection.</summary>
    /// <summary>A client goes on for a while after the program that it called; the memory is the program's.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Write_ServerAndItsHostAreGone_SaysThatNobodyReads(bool inTheMiddle)
    {
        await using Pair pair = await Pair.ConnectAsync();
        PipeWriter output = pair.Client.Transport.Output;
        if (inTheMiddle)
        {
            output.Write(new byte[100]);
        }

        await pair.Server.DisposeAsync().Limited();
        await pair.Host.DisposeAsync();
        Assert.Equal(0, pair.Host.Pool.Pools);

        for (int i = 0; i < 2; i++)
        {
            output.Write(new byte[10_000]);
            Assert.True((await output.FlushAsync().Limited()).IsCompleted);
        }

        ReadResult end = await pair.Client.Transport.Input.ReadAsync().Limited();
        Assert.True(end.IsCompleted && end.Buffer.IsEmpty);
    }

    private sealed class Pair(TransportHost host, IConnectionListener listener, ConnectionContext server, ConnectionContext client) : IAsyncDisposable
    {
        public TransportHost Host => host;

        public ConnectionContext Server => server;

        public ConnectionContext Client => client;

        public static async Task<Pair> ConnectAsync(TransportSettings? settings = null, TransportVariant? variant = null)
        {
            var host = TransportHost.Create(variant ?? TransportVariants.All[0], settings);
            IConnectionListener listener = await host.BindAsync();
            ConnectionContext client = await InProcessNetwork.Default.ConnectAsync(listener.EndPoint).Limited();
            return new Pair(host, listener, (await listener.AcceptAsync().Limited())!, client);
        }

        public static async Task ClosedAsync(ConnectionContext connection)
        {
            var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            using (connection.ConnectionClosed.Register(closed.SetResult))
            {
                await closed.Task.Limited();
            }
        }

        public async ValueTask DisposeAsync()
        {
            await server.DisposeAsync().Limited();
            await client.DisposeAsync().Limited();
            await host.VerifyPoolAsync();
            await listener.DisposeAsync().Limited();
            await host.DisposeAsync();
        }
    }
}
