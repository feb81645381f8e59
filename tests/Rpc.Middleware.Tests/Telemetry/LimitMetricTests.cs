using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>What the server's meter says of limits, and of connections that it refuses or ends.</summary>
public sealed class LimitMetricTests
{
    [Fact]
    public async Task Limits_CallsWaitAtThem_AreToldByScope()
    {
        Gate gate = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options =>
            {
                options.Limits.Calls.MaxConcurrentCalls = 5;
                options.Limits.Calls.AtLimit = RpcLimitPolicy.Wait;
            },
            App = app => app.MapRpc(Golden.Name, (Hello.HelloRequest request, CancellationToken token) => gate.HandleAsync(request, token))
                .RequireConcurrency(2, RpcLimitPolicy.Wait),
        });
        using MetricRecorder metrics = new(server.Services);
        Assert.Equal([("server", null, 5d), ("method", Golden.Name, 2d)], Ask(metrics, RpcServerTelemetry.CallLimit));
        Assert.Equal([("server", null, 0d), ("method", Golden.Name, 0d)], Ask(metrics, RpcServerTelemetry.WaitingCalls));
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, 2);
        for (uint id = 1; id <= 5; id++)
        {
            await peer.CallAsync(id);
        }

        await gate.WaitForStartedAsync(2);
        await peer.Raw.SendAsync(Version2Frames.Ping(1)); // comes back when all calls were read
        Assert.Equal(RpcFrameType.Pong, (await peer.TryReceiveFrameAsync())!.Type);

        Assert.Equal([("server", null, 0d), ("method", Golden.Name, 3d)], Ask(metrics, RpcServerTelemetry.WaitingCalls));
        Assert.Equal([("server", null, 2d), ("method", Golden.Name, 2d)], Ask(metrics, RpcServerTelemetry.AdmittedCalls));
        gate.Open();
        Assert.Equal(5, (await peer.ReceiveAsync(5)).Count);
    }

    [Fact]
    public async Task Limits_DedicatedThreadsAreBusy_TellWhatWaits()
    {
        Gate gate = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options =>
            {
                options.Scheduling = RpcScheduling.Dedicated;
                options.Dedicated.ThreadCount = 1;
            },
            App = app => app.MapRpc(
                Golden.Name, (Hello.HelloRequest request, CancellationToken token) => gate.HandleAsync(request, token).GetAwaiter().GetResult()),
        });
        using MetricRecorder metrics = new(server.Services);
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, 2);
        for (uint id = 1; id <= 3; id++)
        {
            await peer.CallAsync(id);
        }

        await gate.WaitForStartedAsync(1);
        await peer.Raw.SendAsync(Version2Frames.Ping(1));
        await peer.TryReceiveFrameAsync();

        Assert.Equal([("dedicated", null, 2d)], Ask(metrics, RpcServerTelemetry.WaitingCalls));
        Assert.Empty(Ask(metrics, RpcServerTelemetry.CallLimit));
        gate.Open();
        await peer.ReceiveAsync(3);
    }

    [Fact]
    public async Task RejectedConnections_OneBeyondTheBound_IsCounted()
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup { Rpc = options => options.Limits.MaxConnections = 1 });
        using MetricRecorder metrics = new(server.Services);
        await using LimitPeer first = await LimitPeer.ConnectAsync(server, 2);
        await first.CallAsync(1);
        await first.ReceiveAsync();
        await using LimitPeer second = await LimitPeer.ConnectAsync(server, 2);

        await second.CallAsync(1);
        await second.ReceiveAsync();

        Assert.Equal("connections", Assert.Single(metrics.Of(RpcServerTelemetry.RejectedConnections))[RpcServerTelemetry.ReasonTag]);
        Assert.Equal("connections", Assert.Single(metrics.Of(RpcServerTelemetry.RejectedCalls))[RpcServerTelemetry.ReasonTag]);
    }

    [Fact]
    public async Task RejectedConnections_NoProtocolOfTheEndPoint_IsCounted()
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Listen = listen =>
            {
                listen.Protocols = HttpProtocols.None;
                listen.UseRpc();
            },
        });
        using MetricRecorder metrics = new(server.Services);
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray());
        Assert.Null(await peer.TryReceiveVersion2Async());

        Assert.Equal("protocol", Assert.Single(metrics.Of(RpcServerTelemetry.RejectedConnections))[RpcServerTelemetry.ReasonTag]);
    }

    [Theory]
    [InlineData("bad_frame")]
    [InlineData("flood")]
    public async Task ClosedConnections_PeerIsToBlame_AreCountedByReason(string reason)
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup { Rpc = options => options.Floods.MaxPings = 3 });
        using MetricRecorder metrics = new(server.Services);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);

        await peer.SendAsync(
            reason == "flood" ? [.. Enumerable.Repeat(Version2Frames.Ping(1), 4)] : [Version2Frames.Raw((byte)RpcFrameType.Response, 1, [], [])]);
        await peer.ExpectGoAwayAsync(reason == "flood" ? RpcGoAwayCode.EnhanceYourCalm : RpcGoAwayCode.ProtocolError);

        Assert.Equal(reason, Assert.Single(metrics.Of(RpcServerTelemetry.ClosedConnections))[RpcServerTelemetry.CloseReasonTag]);
    }

    [Theory]
    [InlineData("idle")]
    [InlineData("slow_sender")]
    public async Task ClosedConnections_PeerIsTooSlow_AreCountedByReason(string reason)
    {
        ManualTime time = new();
        TaskCompletionSource closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options => options.Connections.IdleTimeout = reason == "idle" ? TimeSpan.FromSeconds(30) : Timeout.InfiniteTimeSpan,
            Services = services => services.AddSingleton<TimeProvider>(time),
        });
        using MetricRecorder metrics = new(server.Services, closed.SetResult, RpcServerTelemetry.ClosedConnections);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Hello(1));
        await peer.ReceiveResponseAsync(1);
        if (reason == "slow_sender")
        {
            await peer.Raw.SendAsync(Version2Frames.Hello(2).AsMemory(..10));
        }

        while (!closed.Task.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1)); // the timer of the look is armed anew by the look
            await Task.WhenAny(closed.Task, Task.Delay(2));
        }

        await closed.Task.InTime();
        Assert.Equal(reason, Assert.Single(metrics.Of(RpcServerTelemetry.ClosedConnections))[RpcServerTelemetry.CloseReasonTag]);
    }

    [Fact]
    public async Task ClosedConnections_ListenerThrows_IsLoggedOnceAndThePeerIsTold()
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup { Rpc = options => options.Floods.MaxPings = 3 });
        using MetricRecorder metrics = new(server.Services, () => throw new InvalidOperationException("listener"), RpcServerTelemetry.ClosedConnections);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);

        await peer.SendAsync([.. Enumerable.Repeat(Version2Frames.Ping(1), 4)]);
        await peer.ExpectGoAwayAsync(RpcGoAwayCode.EnhanceYourCalm);

        Assert.Single(server.Logs.Ours, line => line.Id == 80);
    }

    private static IEnumerable<(string Scope, string? Method, double Value)> Ask(MetricRecorder metrics, string instrument) =>
        metrics.Ask(instrument).Select(measured => ((string)measured[RpcServerTelemetry.ScopeTag]!, (string?)measured["rpc.method"], measured.Value));
}
