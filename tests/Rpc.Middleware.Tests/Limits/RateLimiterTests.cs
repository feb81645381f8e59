using System.Threading.RateLimiting;
using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Limiters of the application in front of methods.</summary>
public sealed class RateLimiterTests
{
    public static TheoryData<int> Versions => LimitPeer.Versions;

    [Theory, MemberData(nameof(Versions))]
    public async Task TokenBucket_IsEmpty_CallIsRefusedAndNeverRuns(int version)
    {
        Gate gate = new();
        await using TokenBucketRateLimiter limiter = new(new TokenBucketRateLimiterOptions
        {
            TokenLimit = 2, TokensPerPeriod = 1, ReplenishmentPeriod = TimeSpan.FromHours(1), AutoReplenishment = false,
        });
        await using TestServer server = await StartAsync(gate, method => method.RequireRateLimiter(limiter));
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, version);

        for (uint id = 1; id <= 3; id++)
        {
            await peer.CallAsync(id, "free");
        }

        Assert.Equal([(1u, "free"), (2u, "free"), (3u, version == 1 ? "!SERVER" : "!ResourceExhausted")], await peer.ReceiveAsync(3));
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task ConcurrencyLimiter_WithAQueue_CallsWaitAndLeasesComeBack(int version)
    {
        Gate gate = new();
        await using ConcurrencyLimiter limiter = new(new ConcurrencyLimiterOptions { PermitLimit = 1, QueueLimit = 1 });
        await using TestServer server = await StartAsync(gate, method => method.RequireRateLimiter(limiter));
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, version);
        await peer.CallAsync(1);
        await gate.WaitForStartedAsync(1);
        await peer.CallAsync(2);
        await peer.CallAsync(3);
        await peer.ExpectRefusalAsync(3);

        gate.Open();

        Assert.Equal([(1u, "held"), (2u, "held")], await peer.ReceiveAsync(2));
        Assert.Equal(1, gate.MostAtOnce);
        Assert.Equal(1, limiter.GetStatistics()!.CurrentAvailablePermits);
    }

    [Fact]
    public async Task ConcurrencyLimiter_CallIsCancelledInTheQueue_IsToldAndNeverRuns()
    {
        Gate gate = new();
        await using ConcurrencyLimiter limiter = new(new ConcurrencyLimiterOptions { PermitLimit = 1, QueueLimit = 5 });
        await using TestServer server = await StartAsync(gate, method => method.RequireRateLimiter(limiter));
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, 2);
        await peer.CallAsync(1);
        await gate.WaitForStartedAsync(1);
        await peer.CallAsync(2);

        await peer.CancelAsync(2);

        Assert.Equal((2u, "!Cancelled"), await peer.ReceiveAsync());
        gate.Open();
        Assert.Equal((1u, "held"), await peer.ReceiveAsync());
        Assert.Equal(1, limiter.GetStatistics()!.CurrentAvailablePermits);
        Assert.Equal(1, gate.Started);
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task Partitioned_ByWhatTheRequestSays_LimitsEachPartAlone(int version)
    {
        Gate gate = new();
        await using PartitionedRateLimiter<RpcContext> limiter = PartitionedRateLimiter.Create<RpcContext, string>(call =>
            ((HelloRequest)call.Request).Msg is var text && text == "throw"
                ? throw new InvalidOperationException("as told")
                : RateLimitPartition.GetConcurrencyLimiter(text, _ => new ConcurrencyLimiterOptions { PermitLimit = 1 }));
        await using TestServer server = await StartAsync(gate, method => method.RequireRateLimiter(limiter));
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, version);
        await peer.CallAsync(1, "a");
        await peer.CallAsync(2, "b");
        await gate.WaitForStartedAsync(2);

        await peer.CallAsync(3, "a");
        await peer.ExpectRefusalAsync(3);
        await peer.CallAsync(4, "throw");
        (uint id, string text) = await peer.ReceiveAsync();
        gate.Open();

        Assert.Equal((4u, version == 1 ? "!SERVER" : "!Unknown?"), (id, text));
        Assert.Equal([(1u, "a"), (2u, "b")], await peer.ReceiveAsync(2));
    }

    private static Task<TestServer> StartAsync(Gate gate, Action<RpcEndpointConventionBuilder> limit) =>
        TestServer.StartAsync(new TestServerSetup { App = app => limit(app.MapRpc(Golden.Name, gate.HandleAsync)) });
}
