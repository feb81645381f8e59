using System.Diagnostics;
using System.Threading.RateLimiting;
using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Calls that never come to their pipeline are measured, traced and logged like all others.</summary>
public sealed class RefusedCallTests
{
    private const string TraceId = "0af7651916cd43dd8448eb211c80319c";

    /// <summary>What refuses a call.</summary>
    public enum Refusal
    {
        Gate,
        WaitingLine,
        RateLimiter,
        Connection,
        Deadline,
        UnknownMethod,
        Draining,
        TooLong,
        NoMessage,
        Unauthenticated,
        DedicatedThreads,
    }

    public static TheoryData<int, Refusal, string, string, string?> Refusals => new()
    {
        { 1, Refusal.Gate, "RESOURCE_EXHAUSTED", Golden.Name, "call_limit" },
        { 2, Refusal.Gate, "RESOURCE_EXHAUSTED", Golden.Name, "call_limit" },
        { 2, Refusal.WaitingLine, "RESOURCE_EXHAUSTED", Golden.Name, "call_limit" },
        { 1, Refusal.RateLimiter, "RESOURCE_EXHAUSTED", Golden.Name, "rate_limit" },
        { 2, Refusal.RateLimiter, "RESOURCE_EXHAUSTED", Golden.Name, "rate_limit" },
        { 2, Refusal.Connection, "RESOURCE_EXHAUSTED", Golden.Name, "connection_limit" },
        { 2, Refusal.Deadline, "DEADLINE_EXCEEDED", Golden.Name, "deadline" },
        { 1, Refusal.UnknownMethod, "UNIMPLEMENTED", "_OTHER", null },
        { 2, Refusal.UnknownMethod, "UNIMPLEMENTED", "_OTHER", null },
        { 2, Refusal.Draining, "UNAVAILABLE", Golden.Name, "draining" },
        { 2, Refusal.TooLong, "RESOURCE_EXHAUSTED", Golden.Name, "size" },
        { 1, Refusal.NoMessage, "INVALID_ARGUMENT", Golden.Name, null },
        { 2, Refusal.NoMessage, "INVALID_ARGUMENT", Golden.Name, null },
        { 1, Refusal.Unauthenticated, "UNAUTHENTICATED", "_OTHER", "unauthenticated" },
        { 2, Refusal.Unauthenticated, "UNAUTHENTICATED", "_OTHER", "unauthenticated" },
        { 2, Refusal.DedicatedThreads, "RESOURCE_EXHAUSTED", Golden.Name, "threads" },
    };

    [Theory, MemberData(nameof(Refusals))]
    public async Task RefusedCall_WhateverRefusedIt_HasADurationAnActivityAndAReason(int version, Refusal refusal, string status, string method, string? reason)
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(gate, refusal);
        using MetricRecorder metrics = new(server.Services);
        using ActivityRecorder activities = new(server.Services);
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, version);

        await RefuseAsync(refusal, peer, gate, server, version);

        Measured duration = Assert.Single(metrics.Of(RpcServerTelemetry.CallDuration), measured => (string?)measured["rpc.response.status_code"] == status);
        Assert.Equal(method, duration["rpc.method"]);
        Activity activity = Assert.Single(activities.Stopped, activity => (string?)activity.GetTagItem("rpc.response.status_code") == status);
        Assert.Equal(method == "_OTHER" ? "kestrel_rpc" : method, activity.DisplayName);
        Assert.Equal((method, $"{version}"), (activity.GetTagItem("rpc.method"), activity.GetTagItem("network.protocol.version")));
        Assert.Equal(activity.Duration.TotalSeconds, duration.Value, 6);
        Assert.Equal(reason, metrics.Of(RpcServerTelemetry.RejectedCalls) is [.., var rejected] ? rejected[RpcServerTelemetry.ReasonTag] : null);
        if (refusal != Refusal.Draining)
        {
            gate.Open();
        }
    }

    [Theory]
    [InlineData(Refusal.Connection)]
    [InlineData(Refusal.UnknownMethod)]
    public async Task RefusedCall_WithTraceContext_IsItsChild(Refusal refusal)
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(gate, refusal);
        using ActivityRecorder activities = new(server.Services);
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, 2);
        RpcMetadata context = new() { { "traceparent", $"00-{TraceId}-b7ad6b7169203331-01" } };

        if (refusal == Refusal.Connection)
        {
            await peer.CallAsync(1);
            await gate.WaitForStartedAsync(1);
        }

        await peer.CallAsync(2, "free", context, name: refusal == Refusal.UnknownMethod ? "helloworld/No\u0001pe" : Golden.Name);
        await peer.ReceiveAsync();

        Activity activity = Assert.Single(activities.Stopped);
        Assert.Equal(TraceId, activity.TraceId.ToString());
        Assert.Equal(refusal == Refusal.UnknownMethod ? "helloworld/No?pe" : null, activity.GetTagItem("rpc.method_original"));
        gate.Open();
    }

    [Fact]
    public async Task RefusedCall_NobodyWantsItsActivity_IsAskedForOnce()
    {
        await using TestServer server = await TestServer.StartAsync(TransportKind.Sockets);
        using ActivityRecorder activities = new(server.Services, ActivitySamplingResult.None);
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, 2);

        await peer.CallAsync(1, "free");
        await peer.ReceiveAsync();
        await peer.CallAsync(2, "free", timeout: TimeSpan.Zero);
        await peer.ReceiveAsync();

        Assert.Equal(2, activities.SampledTags.Count);
        Assert.Empty(activities.Stopped);
    }

    [Fact]
    public async Task RefusedCall_BetweenOthersOnOneThread_LeavesTheCurrentActivityAlone()
    {
        List<Activity?> seen = [];
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options => options.Scheduling = RpcScheduling.Inline,
            App = app => app.MapRpc(Golden.Name, (HelloRequest request) =>
            {
                seen.Add(Activity.Current);
                return new HelloReply();
            }),
        });
        using ActivityRecorder activities = new(server.Services);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);

        await peer.SendAsync(
            Version2Frames.Hello(1), Version2Frames.Hello(2, header: new RpcCallHeader { Timeout = TimeSpan.Zero }), Version2Frames.Hello(3));
        for (int i = 0; i < 3; i++)
        {
            await peer.ReceiveAsync();
        }

        Assert.Equal(3, activities.Stopped.Count);
        Assert.Equal(2, seen.Distinct().Count());
        Assert.All(activities.Stopped, activity => Assert.Null(activity.ParentId));
    }

    [Fact]
    public async Task RefusedCall_CallLog_HasItWithItsTrace()
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup { Rpc = options => options.CallLog.Errors = true });
        using ActivityRecorder activities = new(server.Services);
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, 2);

        await peer.CallAsync(1, timeout: TimeSpan.Zero);
        await peer.ReceiveAsync();

        LogLine line = Assert.Single(server.Logs.Ours, line => line.Id == 82);
        Assert.Contains("failed with DEADLINE_EXCEEDED", line.Message, StringComparison.Ordinal);
        Assert.Contains($"trace: {Assert.Single(activities.Stopped).TraceId};", line.Message, StringComparison.Ordinal);
    }

    private static async Task RefuseAsync(Refusal refusal, LimitPeer peer, Gate gate, TestServer server, int version)
    {
        switch (refusal)
        {
            case Refusal.Gate or Refusal.Connection:
                await peer.CallAsync(1);
                await gate.WaitForStartedAsync(1);
                await peer.CallAsync(2);
                break;
            case Refusal.WaitingLine:
                await peer.CallAsync(1);
                await gate.WaitForStartedAsync(1);
                await peer.CallAsync(2);
                await server.Rpc().Gates.Server!.WaitForAsync(running: 1, waiting: 1);
                await peer.CallAsync(3);
                break;
            case Refusal.DedicatedThreads:
                await peer.CallAsync(1);
                await gate.WaitForStartedAsync(1);
                await peer.CallAsync(2);
                await peer.CallAsync(3);
                break;
            case Refusal.Deadline:
                await peer.CallAsync(1, timeout: TimeSpan.Zero);
                break;
            case Refusal.UnknownMethod:
                await peer.CallAsync(1, name: "helloworld/Nope");
                break;
            case Refusal.TooLong:
                await peer.Raw.SendAsync(Version2Frames.Request(1, new RpcCallHeader { Flags = RpcCallBits.More, MessageLength = 1 << 20 }, [1]));
                break;
            case Refusal.NoMessage:
                byte[] call = version == 1 ? Golden.Call(1, "x") : Version2Frames.Hello(1, "x");
                call[^3] = 0x0f; // the wire type 7, which there is not
                await peer.Raw.SendAsync(call);
                break;
            case Refusal.Draining:
                await peer.CallAsync(1);
                await gate.WaitForStartedAsync(1);
                Task stopped = server.StopAsync();
                while (await peer.TryReceiveFrameAsync() is not { Type: RpcFrameType.GoAway })
                {
                }

                await peer.CallAsync(2);
                await peer.ReceiveAsync();
                gate.Open();
                await stopped;
                return; // with both replies
            default:
                await peer.CallAsync(1);
                break;
        }

        await peer.ReceiveAsync();
    }

    private static Task<TestServer> StartAsync(Gate gate, Refusal refusal) => TestServer.StartAsync(new TestServerSetup
    {
        Rpc = options =>
        {
            options.Limits.MaxBodyLength = 64 * 1024;
            switch (refusal)
            {
                case Refusal.Gate:
                    options.Limits.Calls.MaxConcurrentCalls = 1;
                    break;
                case Refusal.WaitingLine:
                    options.Limits.Calls.MaxConcurrentCalls = 1;
                    options.Limits.Calls.AtLimit = RpcLimitPolicy.Wait;
                    options.Limits.Calls.MaxWaitingCalls = 1;
                    break;
                case Refusal.Connection:
                    options.Limits.MaxConcurrentCallsPerConnection = 1;
                    break;
                case Refusal.DedicatedThreads:
                    options.Scheduling = RpcScheduling.Dedicated;
                    options.Dedicated.ThreadCount = 1;
                    options.Dedicated.MaxWaitingCalls = 1;
                    break;
            }
        },
        Services = services =>
        {
            if (refusal == Refusal.Unauthenticated)
            {
                services.AddSingleton<IRpcConnectionAuthenticator, Refusing>();
            }
        },
        App = app =>
        {
            RpcEndpointConventionBuilder method = refusal == Refusal.DedicatedThreads
                ? app.MapRpc(Golden.Name, (HelloRequest request, CancellationToken token) => gate.HandleAsync(request, token).GetAwaiter().GetResult())
                : app.MapRpc(Golden.Name, (HelloRequest request, CancellationToken token) => gate.HandleAsync(request, token));
            if (refusal == Refusal.RateLimiter)
            {
                FixedWindowRateLimiter limiter = new(new FixedWindowRateLimiterOptions { PermitLimit = 1, Window = TimeSpan.FromHours(1), AutoReplenishment = false });
                limiter.AttemptAcquire().Dispose();
                method.RequireRateLimiter(limiter);
            }
        },
    });

    private sealed class Refusing : IRpcConnectionAuthenticator
    {
        public ValueTask<RpcAuthentication> AuthenticateAsync(RpcAuthenticationContext context, CancellationToken cancellationToken) =>
            new(RpcAuthentication.Refuse("Go away."));
    }
}
