using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Hosting;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>An application that runs on a loop ends what the loop serves: nobody waits for that loop meanwhile.</summary>
public sealed class SelfStopTests
{
    private static readonly string[] Inline =
        ["Epoll-1-Inline", "Epoll-2-Inline", "IoUring-1-Inline", "IoUring-2-Inline", "IoUring-2-Inline-ReusePort", "Blocking-1-Inline"];

    public static MatrixTheoryData<string, string> Ends => new(
        Inline,
        [nameof(IHost.StopAsync), nameof(WebApplication.DisposeAsync), nameof(IHost.Dispose), "StopAsync and wait", "DisposeAsync and wait"]);

    public static TheoryData<string> Variants => new(Inline);

    public static MatrixTheoryData<TransportKind, int> Clients => new([TransportKind.Epoll, TransportKind.IoUring], [1, 2]);

    [Theory]
    [MemberData(nameof(Ends))]
    public async Task Handler_EndsItsHost_ComesBackAndAllEnds(string variant, string way)
    {
        var handled = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        IHost? application = null;
        await using KestrelHost host = await KestrelHost.StartAsync(TransportVariants.Parse(variant), _ => Task.CompletedTask, listen => listen.Run(async connection =>
        {
            ReadResult read = await connection.Transport.Input.ReadAsync();
            connection.Transport.Input.AdvanceTo(read.Buffer.End);
            string? thread = Thread.CurrentThread.Name;
            try
            {
                await EndAsync(application!, way);
                handled.SetResult(thread);
            }
            catch (Exception e)
            {
                // The test's.
                handled.SetException(e);
            }
        }));
        application = host.Host.Application;
        EventLoop[] loops = [.. ((TransportFactory)host.Host.Factory).Loops!.Loops];
        using TestClient bystander = await host.ConnectAsync();
        using TestClient client = await host.ConnectAsync();

        await client.SendAsync(new byte[1]);

        Assert.StartsWith("kestrel-", await handled.Task.Limited(), StringComparison.Ordinal);
        await EndsAsync(client);
        await EndsAsync(bystander);
        await Eventually.TrueAsync(() => IsRefusedAsync(host.EndPoint)); // the listening socket closes when the loop has gone on
        await host.DisposeAsync();
        foreach (EventLoop loop in loops)
        {
            await Eventually.TrueAsync(loop.HasEndedAsync);
        }

        await host.Host.VerifyPoolAsync();
        await Eventually.TrueAsync(() => host.Host.Pool.Pools == 0);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public async Task Unbind_OnALoopsThread_NobodyWaitsForTheLoop(string variant)
    {
        await using TransportHost host = TransportHost.Create(TransportVariants.Parse(variant));
        IConnectionListener listener = await host.BindAsync();
        using TestClient client = await TestClient.ConnectAsync(listener.EndPoint);
        ConnectionContext connection = (await listener.AcceptAsync().Limited())!;
        using TestClient queued = await TestClient.ConnectAsync(listener.EndPoint);
        await Eventually.TrueAsync(() => ((TransportFactory)host.Factory).Loops!.Loops.Sum(loop => loop.Statistics.Accepted) == 2);
        using var release = new ManualResetEventSlim();
        var unbound = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        Task handler = Task.Run(async () =>
        {
            ReadResult read = await connection.Transport.Input.ReadAsync();
            connection.Transport.Input.AdvanceTo(read.Buffer.End);
            Assert.StartsWith("kestrel-", Thread.CurrentThread.Name, StringComparison.Ordinal);
            unbound.SetResult(listener.UnbindAsync().AsTask().IsCompletedSuccessfully);
            release.Wait(TimeLimit.Current);
            await Handlers.EchoAsync(connection);
        });
        await client.SendAsync(new byte[1]);

        Assert.True(await unbound.Task.Limited());
        await using ConnectionContext? left = await listener.AcceptAsync().Limited(); // what was accepted before is the server's
        Assert.Equal(queued.LocalEndPoint, left!.RemoteEndPoint);
        Assert.Null(await listener.AcceptAsync().Limited());
        await listener.DisposeAsync().Limited();
        release.Set();

        await Eventually.TrueAsync(() => IsRefusedAsync(listener.EndPoint));
        await client.EchoAsync(seed: 1, 10_000);
        client.Fin();
        await handler.Limited();
        await connection.DisposeAsync().Limited();
        await client.ReceiveEndAsync();
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public async Task Dispose_OnALoopsThreadWithConnectionsThatWait_ResetsThem(string variant)
    {
        await using TransportHost host = TransportHost.Create(TransportVariants.Parse(variant));
        IConnectionListener listener = await host.BindAsync();
        using TestClient client = await TestClient.ConnectAsync(listener.EndPoint);
        ConnectionContext connection = (await listener.AcceptAsync().Limited())!;
        using TestClient queued = await TestClient.ConnectAsync(listener.EndPoint);
        await Eventually.TrueAsync(() => ((TransportFactory)host.Factory).Loops!.Loops.Sum(loop => loop.Statistics.Accepted) == 2);
        Task handler = Task.Run(async () =>
        {
            ReadResult read = await connection.Transport.Input.ReadAsync();
            connection.Transport.Input.AdvanceTo(read.Buffer.End);
            Assert.True(listener.DisposeAsync().AsTask().Wait(TimeLimit.Current));
        });
        await client.SendAsync(new byte[1]);

        await handler.Limited();
        Assert.Equal(SocketError.ConnectionReset, await queued.ReceiveErrorAsync());
        await connection.DisposeAsync().Limited();
        await client.ReceiveEndAsync();
        await host.VerifyPoolAsync();
    }

    [Theory]
    [MemberData(nameof(Clients))]
    public async Task ConnectionFactory_DisposedOnItsOwnLoop_Ends(TransportKind engine, int loops)
    {
        await using ConnectionServer server = await ConnectionServer.StartAsync(TransportVariants.Sockets, Handlers.EchoUntilResetAsync);
        (IConnectionFactory factory, IAsyncDisposable transport) = CreateFactory(engine, loops);
        ConnectionContext connection = await factory.ConnectAsync(server.EndPoint).Limited();
        ConnectionContext other = await factory.ConnectAsync(server.EndPoint).Limited(); // on the other loop, if there is one
        await connection.Transport.Output.WriteAsync(new byte[1]).Limited();
        Task ending = Task.Run(async () =>
        {
            ReadResult read = await connection.Transport.Input.ReadAsync();
            connection.Transport.Input.AdvanceTo(read.Buffer.End);
            Assert.StartsWith("kestrel-", Thread.CurrentThread.Name, StringComparison.Ordinal);
            Assert.True(transport.DisposeAsync().AsTask().Wait(TimeLimit.Current));
        });

        await ending.Limited();
        await Assert.ThrowsAsync<ConnectionAbortedException>(() => other.Transport.Input.ReadAsync().Limited());
        await Assert.ThrowsAsync<ConnectionAbortedException>(() => connection.Transport.Input.ReadAsync().Limited());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => factory.ConnectAsync(server.EndPoint).Limited());
        await connection.DisposeAsync().Limited();
        await other.DisposeAsync().Limited();
    }

    [Fact]
    public async Task ConnectionFactory_DisposedOnAnotherTransportsLoop_LeavesThatLoopFree()
    {
        using var release = new ManualResetEventSlim();
        (IConnectionFactory factory, IAsyncDisposable transport) = CreateFactory(TransportKind.Epoll, 1);
        await using ConnectionServer server = await ConnectionServer.StartAsync(TransportVariants.Parse("Epoll-1-Inline"), Handlers.EchoUntilResetAsync);
        ConnectionContext connection = await factory.ConnectAsync(server.EndPoint).Limited();
        var stands = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var disposing = new TaskCompletionSource<Task>(TaskCreationOptions.RunContinuationsAsynchronously);
        Task standing = Task.Run(async () =>
        {
            await connection.Transport.Output.WriteAsync(new byte[1]);
            await connection.Transport.Input.ReadAsync();
            stands.SetResult();
            release.Wait(TimeLimit.Current); // the factory's loop cannot end meanwhile
        });
        await stands.Task.Limited();
        ((TransportFactory)server.Host.Factory).Loops!.Loops[0].Schedule(_ => disposing.SetResult(transport.DisposeAsync().AsTask()), null);

        Task disposed = await disposing.Task.Limited();
        using (TestClient client = await server.ConnectAsync())
        {
            await client.EchoAsync(seed: 1, 1000);
            client.Fin();
            await client.ReceiveEndAsync();
        }

        release.Set();
        await disposed.Limited();
        await standing.Limited();
        await connection.DisposeAsync().Limited();
    }

    [Theory]
    [InlineData("Epoll-1-Inline")]
    [InlineData("IoUring-1-Inline")]
    [InlineData("Blocking-1-Inline")]
    public Task Host_EndedFromInside_DescriptorsComeBack(string variant) =>
        ChildProcess.RunCheckAsync(SelfStopChecks.DescriptorsComeBackAsync, TransportVariants.Parse(variant));

    private static (IConnectionFactory Factory, IAsyncDisposable Transport) CreateFactory(TransportKind engine, int loops)
    {
        if (engine == TransportKind.Epoll)
        {
            var epoll = new EpollConnectionFactory(new EpollTransportOptions { LoopCount = loops, ApplicationScheduling = ApplicationScheduling.Inline });
            return (epoll, epoll);
        }

        var ring = new IoUringConnectionFactory(new IoUringTransportOptions
        {
            LoopCount = loops,
            ApplicationScheduling = ApplicationScheduling.Inline,
            Fallback = IoUringFallback.Fail,
        });
        return (ring, ring);
    }

    private static Task EndAsync(IHost application, string way)
    {
        var atOnce = new CancellationToken(canceled: true); // no waiting for this very handler
        switch (way)
        {
            case nameof(IHost.StopAsync):
                return application.StopAsync(atOnce);
            case nameof(WebApplication.DisposeAsync):
                return ((IAsyncDisposable)application).DisposeAsync().AsTask();
            case nameof(IHost.Dispose):
                application.Dispose();
                return Task.CompletedTask;
            case "StopAsync and wait":
                Assert.True(application.StopAsync(atOnce).Wait(TimeLimit.Current));
                return Task.CompletedTask;
            default:
                Assert.True(((IAsyncDisposable)application).DisposeAsync().AsTask().Wait(TimeLimit.Current));
                return Task.CompletedTask;
        }
    }

    private static async Task<bool> IsRefusedAsync(EndPoint endPoint)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(endPoint).Limited();
            return false;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode == SocketError.ConnectionRefused;
        }
    }

    // With FIN or with RST: a host that is ended at once aborts.
    private static async Task EndsAsync(TestClient client)
    {
        try
        {
            await client.ReceiveEndAsync();
        }
        catch (SocketException reset)
        {
            Assert.Equal(SocketError.ConnectionReset, reset.SocketErrorCode);
        }
    }
}

/// <summary>The children's side.</summary>
internal static class SelfStopChecks
{
    /// <summary>Ends a transport on its own loop again and again, without a garbage collection that would find what was forgotten.</summary>
    public static async Task DescriptorsComeBackAsync(TransportVariant variant)
    {
        const int Rounds = 10;
        await RoundAsync(variant); // loads all code
        Assert.True(GC.TryStartNoGCRegion(200_000_000));
        int descriptors = ProcessFacts.Descriptors();
        for (int round = 0; round < Rounds; round++)
        {
            await RoundAsync(variant);
        }

        await Eventually.TrueAsync(() => ProcessFacts.Descriptors() <= descriptors);
        GC.EndNoGCRegion(); // throws if there was a collection after all
    }

    private static async Task RoundAsync(TransportVariant variant)
    {
        TransportHost host = TransportHost.Create(variant);
        IConnectionListener listener = await host.BindAsync();
        using TestClient client = await TestClient.ConnectAsync(listener.EndPoint);
        ConnectionContext connection = (await listener.AcceptAsync().Limited())!;
        Task ending = Task.Run(async () =>
        {
            ReadResult read = await connection.Transport.Input.ReadAsync();
            connection.Transport.Input.AdvanceTo(read.Buffer.End);
            ((IDisposable)host.Factory).Dispose();
        });
        await client.SendAsync(new byte[1]);
        await ending.Limited();
        await connection.DisposeAsync().Limited();
        await listener.DisposeAsync().Limited();
        await Eventually.TrueAsync(() => host.Pool.Pools == 0);
        await host.DisposeAsync();
    }
}
