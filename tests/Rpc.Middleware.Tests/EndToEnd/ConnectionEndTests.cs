using Hello;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>How connections end, and what becomes of their calls.</summary>
public sealed class ConnectionEndTests
{
    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task HalfClose_CallsInFlight_AreAnsweredThenClosed(TransportKind transport)
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(gate, transport);
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync((byte[])[.. Golden.Call(1), .. Golden.Call(2)]);
        peer.EndSending();
        await gate.WaitForStartedAsync(2);
        gate.Open();

        Assert.Equal([1u, 2u], (await peer.ReceiveAsync(2)).Select(reply => reply.SequenceId).Order());
        await peer.ExpectEndAsync();
        Assert.Equal(0, gate.Cancelled);
        Assert.Empty(server.Logs.Ours);
        await server.ExpectNothingLeftAsync();
    }

    [Fact]
    public async Task HalfClose_MoreCallsReceivedThanMayRun_AllAreAnswered()
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(gate, limits: 2);
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(Enumerable.Range(1, 7).SelectMany(i => Golden.Call((uint)i)).ToArray());
        peer.EndSending();
        await gate.WaitForStartedAsync(2);
        gate.Open();

        Assert.Equal(7, (await peer.ReceiveAsync(7)).DistinctBy(reply => reply.SequenceId).Count());
        await peer.ExpectEndAsync();
        Assert.Equal(0, gate.Cancelled);
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Reset_CallsInFlight_AreCancelled(TransportKind transport)
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(gate, transport);
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync((byte[])[.. Golden.Call(1), .. Golden.Call(2)]);
        await gate.WaitForStartedAsync(2);
        peer.Reset();

        await server.ExpectNothingLeftAsync();
        Assert.Equal(2, gate.Cancelled);
        Assert.Equal([20, 33, 33], server.Logs.Ours.Select(line => line.Id).Order());
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Reset_WhileNothingMoreIsReadBecauseOfTheLimit_CallsAreCancelled(TransportKind transport)
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(gate, transport, limits: 2);
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(Enumerable.Range(1, 5).SelectMany(i => Golden.Call((uint)i)).ToArray());
        await gate.WaitForStartedAsync(2);
        peer.Reset();

        await server.ExpectNothingLeftAsync();
        Assert.Equal(2, gate.Cancelled);
        Assert.Equal(2, gate.Started);
    }

    [Fact]
    public async Task Reset_UnderTlsWhileNothingMoreIsRead_CallsAreCancelled()
    {
        Gate gate = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options => options.Limits.MaxConcurrentCallsPerConnection = 2,
            App = app => app.MapRpc(Golden.Name, gate.HandleAsync),
            Listen = options => options.UseHttps(Tls.Certificate).UseRpc(),
        });
        await using RawPeer peer = await server.ConnectAsync(tls: true);

        await peer.SendAsync(Enumerable.Range(1, 5).SelectMany(i => Golden.Call((uint)i)).ToArray());
        await gate.WaitForStartedAsync(2);
        peer.Reset();

        await server.ExpectNothingLeftAsync();
        Assert.Equal(2, gate.Cancelled);
    }

    [Fact]
    public async Task Cancelled_HandlerThrowsSomethingElse_IsNoError()
    {
        TaskCompletionSource started = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app => app.MapRpc(Golden.Name, async (HelloRequest _, CancellationToken cancellationToken) =>
            {
                TaskCompletionSource cancelled = new(TaskCreationOptions.RunContinuationsAsynchronously);
                using CancellationTokenRegistration registration = cancellationToken.Register(cancelled.SetResult);
                started.SetResult();
                await cancelled.Task.InTime();
                throw new InvalidOperationException("too late");
#pragma warning disable CS0162 // Gives the lambda its type.
                return new HelloReply();
#pragma warning restore CS0162
            }),
        });
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(Golden.Request);
        await started.Task.InTime();
        peer.Reset();

        IReadOnlyList<LogLine> lines = await server.Logs.WaitForAsync(33);
        Assert.DoesNotContain(lines, line => line.Level > Microsoft.Extensions.Logging.LogLevel.Debug);
        await server.ExpectNothingLeftAsync();
    }

    [Fact]
    public async Task Cancellation_CallbackOfHandlerThrows_IsLoggedAndTheConnectionEnds()
    {
        Gate gate = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app => app.MapRpc(Golden.Name, (HelloRequest request, CancellationToken cancellationToken) =>
            {
                cancellationToken.Register(() => throw new InvalidOperationException("callback"));
                return gate.HandleAsync(request, cancellationToken);
            }),
        });
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(Golden.Request);
        await gate.WaitForStartedAsync(1);
        peer.Reset();

        await server.Logs.WaitForAsync(25);
        await server.ExpectNothingLeftAsync();
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task HostStops_CallInFlight_IsAnsweredAndIdleConnectionsClose(TransportKind transport)
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(gate, transport);
        await using RawPeer busy = await server.ConnectAsync();
        await using RawPeer idle = await server.ConnectAsync();
        await using RawPeer silent = await server.ConnectAsync();
        await idle.SendAsync(Golden.Call(1, "free"));
        await idle.ReceiveAsync();
        await busy.SendAsync(Golden.Call(2));
        await gate.WaitForStartedAsync(1);

        Task stopping = server.StopAsync();
        await idle.ExpectEndAsync();
        await silent.ExpectEndAsync();
        Assert.False(stopping.IsCompleted);
        gate.Open();

        Assert.Equal(2u, (await busy.ReceiveAsync()).SequenceId);
        await busy.ExpectEndAsync();
        await stopping;
        Assert.Equal(0, gate.Cancelled);
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task HostStops_CallRunsBeyondShutdownTimeout_IsCancelled(TransportKind transport)
    {
        Gate gate = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Transport = transport,
            App = app => app.MapRpc(Golden.Name, gate.HandleAsync),
            ShutdownTimeout = TimeSpan.FromMilliseconds(200),
        });
        await using RawPeer open = await server.ConnectAsync();
        await using RawPeer halfClosed = await server.ConnectAsync();
        await open.SendAsync(Golden.Call(1));
        await halfClosed.SendAsync(Golden.Call(1));
        halfClosed.EndSending();
        await gate.WaitForStartedAsync(2);

        try
        {
            await server.StopAsync();
        }
        catch (OperationCanceledException)
        {
            // The host reports that the time-out has passed.
        }

        await server.ExpectNothingLeftAsync();
        Assert.Equal(2, gate.Cancelled);
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task HostStops_PeerOfTheCallInFlightResets_CallIsCancelledAtOnce(TransportKind transport)
    {
        Gate gate = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Transport = transport,
            App = app => app.MapRpc(Golden.Name, gate.HandleAsync),
            ShutdownTimeout = TimeSpan.FromMinutes(10),
        });
        await using RawPeer idle = await server.ConnectAsync();
        await using RawPeer busy = await server.ConnectAsync();
        await idle.SendAsync(Golden.Call(1, "free"));
        await idle.ReceiveAsync();
        await busy.SendAsync(Golden.Call(2));
        await gate.WaitForStartedAsync(1);

        Task stopping = server.StopAsync();
        await idle.ExpectEndAsync();
        busy.Reset();

        await stopping;
        Assert.Equal(1, gate.Cancelled);
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task PeerNeverReads_ServerStopsReadingAndServesOthers(TransportKind transport)
    {
        await using TestServer server = await StartAsync(new Gate(), transport);
        await using RawPeer deaf = await server.ConnectAsync();
        deaf.Socket.Blocking = false;
        byte[] calls = [.. Enumerable.Range(0, 20).SelectMany(_ => Golden.Call(1, "free"))];

        // Ends only if the server stops reading: then the socket takes no more, for as long as others are served twice.
        long sent = 0;
        for (int refused = 0; refused < 3;)
        {
            int count = deaf.Socket.Send(calls, 0, calls.Length, System.Net.Sockets.SocketFlags.None, out System.Net.Sockets.SocketError error);
            if (error == System.Net.Sockets.SocketError.WouldBlock)
            {
                refused++;
                await using RawPeer other = await server.ConnectAsync();
                await other.SendAsync(Golden.Call(7, "free"));
                Assert.Equal(7u, (await other.ReceiveAsync()).SequenceId);
            }
            else
            {
                Assert.Equal(System.Net.Sockets.SocketError.Success, error);
                sent += count;
                refused = 0;
                Assert.True(sent < 512 * 1024 * 1024, "The server reads for ever.");

                // Frames must stay whole, or the server would close for another reason.
                calls = [.. calls[count..], .. calls[..count]];
            }
        }

        deaf.Reset();
        await server.ExpectNothingLeftAsync();
    }

    private static Task<TestServer> StartAsync(Gate gate, TransportKind transport = TransportKind.Sockets, int limits = 1000) =>
        TestServer.StartAsync(new TestServerSetup
        {
            Transport = transport,
            Rpc = options => options.Limits.MaxConcurrentCallsPerConnection = limits,
            App = app => app.MapRpc(Golden.Name, gate.HandleAsync),
        });
}
