using System.Threading.RateLimiting;
using Hello;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Limiters of the application that fail when a call has ended.</summary>
public sealed class LeaseTests
{
    [Theory]
    [InlineData(1, false), InlineData(1, true), InlineData(2, false), InlineData(2, true)]
    public async Task Lease_ThrowsWhenItIsGivenBack_CallIsAnsweredAndItIsLogged(int version, bool isAsync)
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app => app.MapRpc(Golden.Name, async (HelloRequest request) =>
            {
                if (isAsync)
                {
                    await Task.Yield();
                }

                return new HelloReply { Msg = request.Msg };
            }).RequireRateLimiter(new Limiter()),
        });
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, version);

        for (uint id = 1; id <= 3; id++)
        {
            await peer.CallAsync(id, "free");
            Assert.Equal((id, "free"), await peer.ReceiveAsync());
        }

        await server.Logs.WaitForAsync(64);
    }

    // A lease that lets nobody in is given back, too.
    [Theory]
    [InlineData(1, false), InlineData(1, true), InlineData(2, false), InlineData(2, true)]
    public async Task Lease_OfARefusalThrowsWhenItIsGivenBack_CallIsAnsweredAndConnectionGoesOn(int version, bool fromTheQueue)
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app =>
            {
                app.MapRpc(Golden.Name, (HelloRequest request) => new HelloReply { Msg = request.Msg }).RequireRateLimiter(new Limiter(isAcquired: false, throwsAtOnce: !fromTheQueue));
                app.MapRpc("helloworld/Other", (HelloRequest request) => new HelloReply { Msg = request.Msg });
            },
        });
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, version);

        await peer.CallAsync(1, "refused");
        Assert.Equal((1u, version == 1 ? "!SERVER" : "!ResourceExhausted"), await peer.ReceiveAsync());
        await peer.CallAsync(2, "free", name: "helloworld/Other");
        Assert.Equal((2u, "free"), await peer.ReceiveAsync());
        await server.Logs.WaitForAsync(64);
    }

    private sealed class Limiter(bool isAcquired = true, bool throwsAtOnce = true) : RateLimiter
    {
        public override TimeSpan? IdleDuration => null;

        public override RateLimiterStatistics? GetStatistics() => null;

        protected override RateLimitLease AttemptAcquireCore(int permitCount) => new Lease(isAcquired, throwsAtOnce);

        protected override ValueTask<RateLimitLease> AcquireAsyncCore(int permitCount, CancellationToken cancellationToken) => new(new Lease(isAcquired, throws: true));
    }

    private sealed class Lease(bool isAcquired, bool throws) : RateLimitLease
    {
        public override bool IsAcquired => isAcquired;

        public override IEnumerable<string> MetadataNames => [];

        public override bool TryGetMetadata(string metadataName, out object? metadata)
        {
            metadata = null;
            return false;
        }

        protected override void Dispose(bool disposing)
        {
            base.Dispose(disposing);
            if (throws)
            {
                throw new InvalidOperationException("Of the application.");
            }
        }
    }
}
