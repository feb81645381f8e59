using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>What the application waits for when the loops end under its connections.</summary>
public sealed class LoopEndTests
{
    private const int MoreThanTheKernelBuffers = 64 * 1024 * 1024;

    public static TheoryData<TransportKind> Engines => [TransportKind.Epoll, TransportKind.IoUring];

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Dispose_FlushAndReadPending_BothAreReleased(TransportKind engine)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        (IConnectionFactory factory, IAsyncDisposable transport) = Create(engine);
        ConnectionContext connection = await factory.ConnectAsync(listener.LocalEndPoint!).AsTask().Limited();
        using Socket silent = await listener.AcceptAsync().Limited();
        Task<ReadResult> read = connection.Transport.Input.ReadAsync().AsTask();
        Task<FlushResult> flush = connection.Transport.Output.WriteAsync(new byte[MoreThanTheKernelBuffers]).AsTask();
        await Eventually.TrueAsync(() => silent.Available > 0); // the loop is at it

        await transport.DisposeAsync().AsTask().Limited();
        await Assert.ThrowsAsync<ConnectionAbortedException>(() => read.Limited());
        Assert.True((await flush.Limited()).IsCompleted);
        await connection.DisposeAsync().AsTask().Limited();
    }

    private static (IConnectionFactory Factory, IAsyncDisposable Transport) Create(TransportKind engine)
    {
        if (engine == TransportKind.Epoll)
        {
            var epoll = new EpollConnectionFactory(new EpollTransportOptions { LoopCount = 1 });
            return (epoll, epoll);
        }

        var ring = new IoUringConnectionFactory(new IoUringTransportOptions { LoopCount = 1, Fallback = IoUringFallback.Fail });
        return (ring, ring);
    }
}
