using System.Threading.RateLimiting;
using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Which times a bound learns from: what calls take once they were let in, and nothing of what they waited for elsewhere.</summary>
public sealed class LatencyTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly ManualTime _time = new();

    [Fact]
    public async Task Adaptive_SlowStartThenFast_ServesCallsWithATimeLimitAgain()
    {
        const int Bound = 40;
        Gate gate = new();
        await using TestServer server = await StartAsync(Bound, app => app.MapRpc(Golden.Name, gate.HandleAsync));
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, 2);
        for (uint id = 1; id <= Bound; id++)
        {
            await peer.CallAsync(id);
        }

        await gate.WaitForStartedAsync(Bound);
        _time.Advance(3 * Second);
        gate.Open();
        await peer.ReceiveAsync(Bound);

        for (uint id = 100; id < 120; id++)
        {
            await peer.CallAsync(id, "free", timeout: Second);
            Assert.Equal((id, "free"), await peer.ReceiveAsync());
            _time.Advance(Second);
        }
    }

    [Fact]
    public async Task Adaptive_CallHasWaitedAtALimiterOfItsMethod_IsNoLatencyOfTheServer()
    {
        Gate gate = new();
        gate.Open();
        using CountingLimiter limiter = new();
        await using TestServer server = await StartAsync(1, app => app.MapRpc(Golden.Name, gate.HandleAsync).RequireRateLimiter(limiter));
        RpcAdaptiveLimit adaptive = server.Rpc().Gates.Server!.Adaptive!;
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, 2);
        using (limiter.AttemptAcquire())
        {
            await peer.CallAsync(1, "free");
            await limiter.Queued.WaitAsync(TimeLimits.Limit, TestContext.Current.CancellationToken);
            _time.Advance(5 * Second);
        }

        Assert.Equal((1u, "free"), await peer.ReceiveAsync());
        Assert.Equal(0, adaptive.Shortest); // a handler that takes no time at all
    }

    [Fact]
    public async Task Adaptive_CallHasWaitedAtTheBoundOfItsMethod_IsNoLatencyOfTheServer()
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(2, app => app.MapRpc(Golden.Name, gate.HandleAsync).RequireConcurrency(1, RpcLimitPolicy.Wait));
        RpcConcurrencyGate bound = server.Rpc().Gates.Server!;
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, 2);
        await peer.CallAsync(1);
        await gate.WaitForStartedAsync(1);
        await peer.CallAsync(2);
        await peer.Raw.SendAsync(Version2Frames.Ping(1));
        Assert.Equal(RpcFrameType.Pong, (await peer.TryReceiveFrameAsync())?.Type); // so the second one waits
        _time.Advance(7 * Second);
        gate.Open();
        Assert.Equal([(1u, "held"), (2u, "held")], await peer.ReceiveAsync(2));

        // The first took 7 s, the second nothing.
        Assert.InRange(bound.AverageLatency, 6 * Second, 6.5 * Second);
    }

    [Fact]
    public async Task Adaptive_OfAMethod_CallHasWaitedAtTheServersBound_IsNoLatencyOfTheMethod()
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(null, app =>
        {
            app.MapRpc(Golden.Name, gate.HandleAsync);
            app.MapRpc("helloworld/Adaptive", gate.HandleAsync).RequireConcurrency(options => options.Adaptive = new RpcAdaptiveConcurrencyOptions { InitialLimit = 1 });
        });
        RpcConcurrencyGate bound = server.Rpc().Gates.Server!;
        RpcEndpoint endpoint = server.Rpc().Dispatch.Find("helloworld/Adaptive"u8, out _)!.Endpoint;
        RpcConcurrencyGate ofMethod = endpoint.Admission!.Gates.OfType<RpcConcurrencyGate>().First();
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, 2);
        await peer.CallAsync(1);
        await gate.WaitForStartedAsync(1);
        await peer.CallAsync(2, "free", name: "helloworld/Adaptive");
        await bound.WaitForAsync(1, 1);
        _time.Advance(7 * Second);
        gate.Open();
        Assert.Equal([(1u, "held"), (2u, "free")], await peer.ReceiveAsync(2));

        Assert.Equal(0, ofMethod.Adaptive!.Shortest);
        Assert.Equal(7 * Second, ofMethod.AverageLatency); // its place was taken for so long, and others would wait for it
    }

    // With a bound of the server that is adaptive, or of one call that others wait for.
    private Task<TestServer> StartAsync(int? adaptive, Action<WebApplication> map) => TestServer.StartAsync(new TestServerSetup
    {
        Rpc = options =>
        {
            options.Connections.IdleTimeout = Timeout.InfiniteTimeSpan;
            if (adaptive is { } bound)
            {
                options.Limits.Calls.Adaptive = new RpcAdaptiveConcurrencyOptions { InitialLimit = bound };
            }
            else
            {
                options.Limits.Calls.MaxConcurrentCalls = 1;
                options.Limits.Calls.AtLimit = RpcLimitPolicy.Wait;
            }
        },
        Services = services => services.AddSingleton<TimeProvider>(_time),
        App = map,
    });

    /// <summary>One permit, and tells when somebody waits for it.</summary>
    private sealed class CountingLimiter : RateLimiter
    {
        private readonly ConcurrencyLimiter _inner = new(new ConcurrencyLimiterOptions { PermitLimit = 1, QueueLimit = 10 });

        public SemaphoreSlim Queued { get; } = new(0);

        public override TimeSpan? IdleDuration => null;

        public override RateLimiterStatistics? GetStatistics() => _inner.GetStatistics();

        protected override RateLimitLease AttemptAcquireCore(int permitCount) => _inner.AttemptAcquire(permitCount);

        protected override ValueTask<RateLimitLease> AcquireAsyncCore(int permitCount, CancellationToken cancellationToken)
        {
            ValueTask<RateLimitLease> lease = _inner.AcquireAsync(permitCount, cancellationToken);
            Queued.Release();
            return lease;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                _inner.Dispose();
                Queued.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
