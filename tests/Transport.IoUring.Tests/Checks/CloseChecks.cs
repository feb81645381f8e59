using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>Orderly end, abort, and reset by the peer.</summary>
internal static class CloseChecks
{
    /// <summary>Everything written before the end arrives, although nobody waited for a flush and the client reads late.</summary>
    public static async Task AllBytesBeforeFinAsync(TransportVariant transport)
    {
        const int Length = 4_000_000;
        var written = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, connection =>
        {
            PipeWriter output = connection.Transport.Output;
            Payload.Fill(output.GetSpan(1000)[..1000], seed: 3, position: 0);
            output.Advance(1000);
            output.WriteAsync(Payload.Create(seed: 3, Length).AsMemory(1000)).AsTask();
            output.Complete();
            written.SetResult();
            return Task.CompletedTask;
        });
        using TestClient client = await server.ConnectAsync();
        await written.Task.Limited();
        await client.ReceivePayloadAsync(seed: 3, Length);
        await client.ReceiveEndAsync();
        await server.StopAsync();
        Assert.True(server.Host.HasLogged(TransportEvents.WriteFin), "No line tells of the FIN.");
        Assert.False(server.Host.HasLogged(TransportEvents.WriteRst), "A graceful end is logged as a reset.");
    }

    /// <summary>Bytes that nobody flushed leave with the end of the output, also when the transport had nothing to do before.</summary>
    public static async Task UnflushedBytesLeaveWithCompleteAsync(TransportVariant transport)
    {
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, async connection =>
        {
            ReadResult request = await connection.Transport.Input.ReadAsync().Limited();
            connection.Transport.Input.AdvanceTo(request.Buffer.End);
            PipeWriter output = connection.Transport.Output;
            await output.WriteAsync(Payload.Create(seed: 5, 100)).AsTask().Limited();
            await connection.Transport.Input.ReadAsync().Limited(); // the client has the first bytes: nothing is left to send
            Payload.Fill(output.GetSpan(900)[..900], seed: 5, position: 100);
            output.Advance(900);
            output.Complete();
        });
        using TestClient client = await server.ConnectAsync();
        await client.SendPayloadAsync(seed: 1, 1);
        await client.ReceivePayloadAsync(seed: 5, 100);
        await client.SendPayloadAsync(seed: 1, 1);
        await client.ReceivePayloadAsync(seed: 5, 900, 100);
        await client.ReceiveEndAsync();
        await server.StopAsync();
    }

    /// <summary>A connection that is disposed without being touched ends with FIN, and disposing it again does nothing.</summary>
    public static async Task DisposeSendsFinAsync(TransportVariant transport)
    {
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, async connection =>
        {
            await connection.DisposeAsync().Limited();
            await connection.DisposeAsync().Limited();
        });
        using TestClient client = await server.ConnectAsync();
        await client.ReceiveEndAsync();
        await server.StopAsync();
    }

    /// <summary>An abort shows the peer RST, the reader the reason, and the log event 8.</summary>
    public static async Task AbortResetsAsync(TransportVariant transport)
    {
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, async connection =>
        {
            ReadResult first = await connection.Transport.Input.ReadAsync().Limited();
            connection.Transport.Input.AdvanceTo(first.Buffer.End);
            Task<ReadResult> read = connection.Transport.Input.ReadAsync().AsTask();
            connection.Abort(new ConnectionAbortedException("Enough of it."));
            var reason = await Assert.ThrowsAsync<ConnectionAbortedException>(() => read.Limited());
            Assert.Equal("Enough of it.", reason.Message);
            await WaitForClosedAsync(connection);
            await Eventually.TrueAsync(async () => (await connection.Transport.Output.WriteAsync(new byte[10]).Limited()).IsCompleted);
        });
        using TestClient client = await server.ConnectAsync();
        await client.SendAsync(new byte[1]);
        Assert.Equal(SocketError.ConnectionReset, await client.ReceiveErrorAsync());
        await server.StopAsync();
        LogLine line = server.Host.TransportLines.Single(line => line.Id == TransportEvents.WriteRst);
        Assert.Equal(LogLevel.Debug, line.Level);
        Assert.Contains("Enough of it.", line.Message, StringComparison.Ordinal);
    }

    /// <summary>
    /// Kestrel's HTTP aborts without a reason when the peer has ended its side in an orderly way: it gets a FIN, not a RST.
    /// </summary>
    public static async Task AbortWithoutReasonSendsFinAsync(TransportVariant transport)
    {
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, async connection =>
        {
            ReadResult first = await connection.Transport.Input.ReadAsync().Limited();
            connection.Transport.Input.AdvanceTo(first.Buffer.End);
            connection.Abort(null!);
            await WaitForClosedAsync(connection);
        });
        using TestClient client = await server.ConnectAsync();
        await client.SendAsync(new byte[1]);
        await client.ReceiveEndAsync();
        await server.StopAsync();
        Assert.False(server.Host.HasLogged(TransportEvents.WriteRst));
    }

    /// <summary>With FinOnError an abort is an orderly end for the peer.</summary>
    public static async Task AbortWithFinOnErrorSendsFinAsync(TransportVariant transport)
    {
        await using ConnectionServer server = await ConnectionServer.StartAsync(
            transport,
            async connection =>
            {
                connection.Abort(new ConnectionAbortedException("Enough of it."));
                await WaitForClosedAsync(connection);
            },
            new TransportSettings { FinOnError = true });
        using TestClient client = await server.ConnectAsync();
        await client.ReceiveEndAsync();
        await server.StopAsync();
        Assert.False(server.Host.HasLogged(TransportEvents.WriteRst));
        Assert.True(server.Host.HasLogged(TransportEvents.WriteFin));
    }

    /// <summary>An abort releases a flush that waits for a peer that does not read.</summary>
    public static async Task AbortReleasesPendingFlushAsync(TransportVariant transport)
    {
        var writer = new EndlessWriter();
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, writer.RunAsync);
        using TestClient client = await server.ConnectAsync();
        ConnectionContext connection = await writer.BlockedAsync();
        connection.Abort(new ConnectionAbortedException("Enough of it."));
        Assert.Equal(SocketError.ConnectionReset, await client.ReceiveErrorAsync());
        await server.StopAsync();
        Assert.True(server.Host.HasLogged(TransportEvents.WriteRst));
    }

    /// <summary>Aborts from many threads, at every stage of an echo, are one abort.</summary>
    public static async Task ConcurrentAbortsAreOneAsync(TransportVariant transport)
    {
        const int Rounds = 100;
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, async connection =>
        {
            Task echo = Handlers.EchoUntilResetAsync(connection);
            Task[] aborts = [.. Enumerable.Range(0, 4).Select(i => Task.Run(() => connection.Abort(new ConnectionAbortedException($"Abort {i}."))))];
            await Task.WhenAll(aborts).Limited();
            await echo.Limited();
        });
        for (int round = 0; round < Rounds; round++)
        {
            try
            {
                using TestClient client = await server.ConnectAsync();
                await client.SendAsync(new byte[round * 10]);
                Assert.Equal(SocketError.ConnectionReset, await client.ReceiveErrorAsync());
            }
            catch (SocketException reset) when (reset.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
            {
                // The abort came before the bytes were sent, or before the connect was seen to be done.
            }
        }

        await server.StopAsync();
        Assert.Equal(Rounds, server.Host.TransportLines.Count(line => line.Id == TransportEvents.WriteRst));
    }

    /// <summary>A reset by the peer ends the read with <see cref="ConnectionResetException"/>, and is logged once.</summary>
    public static async Task PeerResetEndsReadAsync(TransportVariant transport)
    {
        var reading = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, async connection =>
        {
            Task<ReadResult> read = connection.Transport.Input.ReadAsync().AsTask();
            reading.SetResult();
            await Assert.ThrowsAsync<ConnectionResetException>(() => read.Limited());
            await WaitForClosedAsync(connection);
        });
        using TestClient client = await server.ConnectAsync();
        await reading.Task.Limited();
        client.Reset();
        await Eventually.TrueAsync(() => server.Host.HasLogged(TransportEvents.Reset));
        await server.StopAsync();
        Assert.Equal(LogLevel.Debug, Assert.Single(server.Host.TransportLines, line => line.Id == TransportEvents.Reset).Level);
    }

    /// <summary>A reset by the peer releases a flush that waits.</summary>
    public static async Task PeerResetReleasesPendingFlushAsync(TransportVariant transport)
    {
        var writer = new EndlessWriter();
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, writer.RunAsync);
        using TestClient client = await server.ConnectAsync();
        await writer.BlockedAsync();
        client.Reset();
        await server.StopAsync();
    }

    private static async Task WaitForClosedAsync(ConnectionContext connection)
    {
        var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using (connection.ConnectionClosed.Register(closed.SetResult))
        {
            await closed.Task.Limited();
        }
    }

    /// <summary>Writes until the transport takes no more bytes for good.</summary>
    private sealed class EndlessWriter
    {
        private readonly TaskCompletionSource<ConnectionContext> _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private long _written;

        public async Task RunAsync(ConnectionContext connection)
        {
            _started.SetResult(connection);
            byte[] piece = new byte[16 * 1024]; // below every limit: the first one is taken
            while (!(await connection.Transport.Output.WriteAsync(piece)).IsCompleted)
            {
                Interlocked.Add(ref _written, piece.Length);
            }
        }

        /// <summary>Returns the connection when its flush waits.</summary>
        public async Task<ConnectionContext> BlockedAsync()
        {
            ConnectionContext connection = await _started.Task.Limited();
            await Eventually.TrueAsync(() => Volatile.Read(ref _written) > 0);
            await Eventually.StableAsync(() => Volatile.Read(ref _written));
            return connection;
        }
    }
}
