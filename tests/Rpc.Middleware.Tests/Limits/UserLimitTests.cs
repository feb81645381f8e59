using System.Threading.RateLimiting;
using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Limiters that ask who makes a call, whose token says so.</summary>
public sealed class UserLimitTests
{
    [Theory]
    [InlineData(0, false), InlineData(0, true), InlineData(16, false), InlineData(16, true)]
    public async Task Partitioned_ByUser_CountsEachUserAlone(int cached, bool isAsync)
    {
        Gate gate = new();
        Users users = new() { Answer = isAsync ? AnswerLaterAsync : null };
        await using PartitionedRateLimiter<RpcContext> limiter = ByUser();
        await using TestServer server = await users.StartAsync(
            app => app.MapRpc(Golden.Name, gate.HandleAsync).RequireRateLimiter(limiter), rpc: options => options.Authentication.CachedCredentialsPerConnection = cached);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Hello(1, "held", Users.Bearer("ann")));
        await gate.WaitForStartedAsync(1);

        await peer.SendAsync(Version2Frames.Hello(2, "free", Users.Bearer("bob")));
        Assert.Equal("free", (await peer.ReceiveResponseAsync(2)).Text);
        await peer.SendAsync(Version2Frames.Hello(3, "free", Users.Bearer("ann")));
        Assert.Equal(RpcStatusCode.ResourceExhausted, (await peer.ReceiveResponseAsync(3)).Status.Code);
        gate.Open();
        Assert.Equal("held", (await peer.ReceiveResponseAsync(1)).Text);
        Assert.Equal(cached == 0 ? 3 : 2, users.Asked); // each once, in front of the limiter and not again
    }

    [Fact]
    public async Task Partitioned_BadTokens_TakeNothingOfAnybodysLimit()
    {
        Gate gate = new();
        Users users = new();
        await using PartitionedRateLimiter<RpcContext> limiter = ByUser();
        await using TestServer server = await users.StartAsync(app => app.MapRpc(Golden.Name, gate.HandleAsync).RequireRateLimiter(limiter));
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);

        for (uint id = 1; id <= 5; id++)
        {
            await peer.SendAsync(Version2Frames.Hello(id, "free", Users.Bearer("bad")));
            Version2Reply refused = await peer.ReceiveResponseAsync(id);
            Assert.Equal(new RpcStatus(RpcStatusCode.Unauthenticated, "The token is not known."), refused.Status);
            Assert.True(refused.Flags.HasFlag(RpcCallBits.NotProcessed));
        }

        RpcMetadata twice = new() { { "authorization", "Bearer ann" }, { "authorization", "Bearer bob" } };
        await peer.SendAsync(Version2Frames.Hello(6, "free", new RpcCallHeader { Metadata = twice }));
        Assert.Equal(RpcStatusCode.Unauthenticated, (await peer.ReceiveResponseAsync(6)).Status.Code);
        Assert.Equal(5, users.Asked);
        await peer.SendAsync(Version2Frames.Hello(7, "free"));
        Assert.Equal("free", (await peer.ReceiveResponseAsync(7)).Text); // nobody, who has a part of his own
    }

    // A flood of tokens: so many are verified at once as calls may run, and as many as a limiter without users lets pass.
    [Fact]
    public async Task Verification_OfMoreThanTheServersBound_IsRefused()
    {
        using SemaphoreSlim answers = new(0);
        Users users = new()
        {
            Answer = async (context, token) =>
            {
                await answers.WaitAsync(token);
                return RpcAuthentication.Accept(Users.Create(context.BearerToken!));
            },
        };
        await using PartitionedRateLimiter<RpcContext> limiter = ByUser(100);
        await using TestServer server = await users.StartAsync(
            app =>
            {
                app.MapRpc(Golden.Name, (HelloRequest request) => new HelloReply { Msg = request.Msg }).RequireRateLimiter(limiter);
                app.MapRpc("helloworld/Other", (HelloRequest request) => new HelloReply { Msg = request.Msg }).RequireRateLimiter(limiter);
            },
            rpc: options => options.Limits.Calls.MaxConcurrentCalls = 3);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);

        for (uint id = 1; id <= 10; id++)
        {
            await peer.SendAsync(Version2Frames.Hello(id, "free", Users.Bearer("ann"), name: id % 2 == 0 ? Golden.Name : "helloworld/Other"));
        }

        for (uint id = 4; id <= 10; id++)
        {
            Assert.Equal(RpcStatusCode.ResourceExhausted, (await peer.ReceiveResponseAsync(id)).Status.Code);
        }

        await peer.SendAsync(Version2Frames.Cancel(2));
        Assert.Equal(RpcStatusCode.Cancelled, (await peer.ReceiveResponseAsync(2)).Status.Code);
        await peer.SendAsync(Version2Frames.Hello(11, "free", Users.Bearer("ann"))); // in its place
        answers.Release(10);
        List<uint> ids = [];
        while (ids.Count < 3)
        {
            Version2Reply reply = await peer.ReceiveAsync();
            Assert.Equal("free", reply.Text);
            ids.Add(reply.Id);
        }

        Assert.Equal([1u, 3u, 11u], ids.Order());
        Assert.Equal(4, users.Asked);
        await server.Rpc().Gates.Server!.WaitForAsync(0, 0);
    }

    [Fact]
    public async Task LimiterWithoutUsers_IsEmpty_NobodyIsAsked()
    {
        Users users = new();
        await using PartitionedRateLimiter<RpcContext> byUser = ByUser();
        await using TokenBucketRateLimiter all = new(new TokenBucketRateLimiterOptions
        {
            TokenLimit = 1, TokensPerPeriod = 1, ReplenishmentPeriod = TimeSpan.FromHours(1), AutoReplenishment = false,
        });
        await using TestServer server = await users.StartAsync(app =>
            app.MapRpc(Golden.Name, (HelloRequest request) => new HelloReply { Msg = request.Msg }).RequireRateLimiter(byUser).RequireRateLimiter(all));
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Hello(1, "free", Users.Bearer("ann")));
        Assert.Equal("free", (await peer.ReceiveResponseAsync(1)).Text);

        await peer.SendAsync(Version2Frames.Hello(2, "free", Users.Bearer("ann")));

        Assert.Equal(RpcStatusCode.ResourceExhausted, (await peer.ReceiveResponseAsync(2)).Status.Code);
        Assert.Equal(1, users.Asked);
    }

    [Fact]
    public async Task Verification_IsSlow_DedicatedMethodRunsOnItsThreads()
    {
        Users users = new() { Answer = AnswerLaterAsync };
        await using PartitionedRateLimiter<RpcContext> limiter = ByUser();
        await using TestServer server = await users.StartAsync(app => app.MapRpc(Golden.Name, (HelloRequest request) => new HelloReply { Msg = Thread.CurrentThread.Name ?? "" })
            .WithScheduling(RpcScheduling.Dedicated).RequireRateLimiter(limiter));
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);

        await peer.SendAsync(Version2Frames.Hello(1, "x", Users.Bearer("ann")));

        Assert.StartsWith("RPC dedicated", (await peer.ReceiveResponseAsync(1)).Text, StringComparison.Ordinal);
    }

    private static async ValueTask<RpcAuthentication> AnswerLaterAsync(RpcAuthenticationContext context, CancellationToken cancellationToken)
    {
        await Task.Yield();
        return RpcAuthentication.Accept(Users.Create(context.BearerToken!));
    }

    private static PartitionedRateLimiter<RpcContext> ByUser(int each = 1) => PartitionedRateLimiter.Create<RpcContext, string>(call =>
        RateLimitPartition.GetConcurrencyLimiter(call.User.Identity?.Name ?? "nobody", _ => new ConcurrencyLimiterOptions { PermitLimit = each }));
}
