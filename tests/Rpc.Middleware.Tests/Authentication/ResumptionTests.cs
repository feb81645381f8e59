using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Where a handler runs whose caller was verified, or judged, by something that had to be waited for.</summary>
public sealed class ResumptionTests
{
    [Theory]
    [InlineData(0), InlineData(4)]
    public async Task Dedicated_AuthenticatorIsWaitedFor_HandlerRunsOnADedicatedThread(int cached)
    {
        Users users = new()
        {
            Answer = async (context, _) =>
            {
                await Task.Yield();
                return RpcAuthentication.Accept(Users.Create(context.BearerToken!));
            },
        };
        await using TestServer server = await users.StartAsync(
            app => MapThread(app), rpc: options => options.Authentication.CachedCredentialsPerConnection = cached);

        await ExpectDedicatedAsync(server);
    }

    [Theory]
    [InlineData(true), InlineData(false)]
    public async Task Dedicated_PolicyIsWaitedFor_HandlerRunsOnADedicatedThread(bool isKept)
    {
        await using TestServer server = await new Users().StartAsync(
            app => MapThread(app).RequireAuthorization("slow"),
            services =>
            {
                services.AddAuthorizationBuilder().AddPolicy("slow", policy => policy.RequireAssertion(async _ =>
                {
                    await Task.Yield();
                    return true;
                }));
                if (!isKept)
                {
                    services.AddSingleton<IAuthorizationPolicyProvider, SlowProvider>();
                }
            });

        await ExpectDedicatedAsync(server);
    }

    [Fact]
    public async Task Dedicated_TooManyWaitForAThreadMeanwhile_CallIsRefusedAsNotProcessed()
    {
        TaskCompletionSource asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource verified = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource held = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Users users = new()
        {
            Answer = async (context, _) =>
            {
                asked.SetResult();
                await verified.Task.InTime();
                return RpcAuthentication.Accept(Users.Create("ann"));
            },
        };
        using ManualResetEventSlim release = new();
        await using TestServer server = await users.StartAsync(
            app => app.MapRpc(Golden.Name, (HelloRequest request) =>
            {
                if (request.Msg == "held")
                {
                    held.SetResult();
                    Assert.True(release.Wait(TimeLimits.Limit));
                }

                return new HelloReply { Msg = request.Msg };
            }).WithScheduling(RpcScheduling.Dedicated),
            rpc: options => (options.Dedicated.ThreadCount, options.Dedicated.MaxWaitingCalls) = (1, 1));
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);

        await peer.SendAsync(Version2Frames.Hello(1, "verified", Users.Bearer("ann")));
        await asked.Task.InTime();
        await peer.SendAsync(Version2Frames.Hello(2, "held")); // takes the thread that the first one has left
        await held.Task.InTime();
        await peer.SendAsync(Version2Frames.Hello(3, "waits"), Version2Frames.Ping(1));
        Assert.Equal(RpcFrameType.Pong, (await peer.ReceiveAsync()).Type);
        verified.SetResult();

        Version2Reply refused = await peer.ReceiveResponseAsync(1);
        Assert.Equal(RpcStatusCode.ResourceExhausted, refused.Status.Code);
        Assert.True(refused.Flags.HasFlag(RpcCallBits.NotProcessed));
        release.Set();
        Assert.Equal("held", (await peer.ReceiveResponseAsync(2)).Text);
        Assert.Equal("waits", (await peer.ReceiveResponseAsync(3)).Text);
    }

    private static RpcEndpointConventionBuilder MapThread(WebApplication app) => app.MapRpc(
        Golden.Name, (HelloRequest request) => new HelloReply { Msg = $"{Thread.CurrentThread.Name}" }).WithScheduling(RpcScheduling.Dedicated);

    private static async Task ExpectDedicatedAsync(TestServer server)
    {
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        for (uint id = 1; id <= 3; id++)
        {
            await peer.SendAsync(Version2Frames.Hello(id, "x", Users.Bearer("ann")));
            Assert.StartsWith("RPC dedicated", (await peer.ReceiveResponseAsync(id)).Text, StringComparison.Ordinal);
        }
    }

    private sealed class SlowProvider(Microsoft.Extensions.Options.IOptions<AuthorizationOptions> options) : DefaultAuthorizationPolicyProvider(options)
    {
        public override bool AllowsCachingPolicies => false;

        public override async Task<AuthorizationPolicy?> GetPolicyAsync(string policyName)
        {
            await Task.Yield();
            return await base.GetPolicyAsync(policyName);
        }
    }
}
