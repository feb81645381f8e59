using System.Diagnostics;
using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>What several calls wait for is of none of them: it has neither the time nor the activity of the one that asked first.</summary>
public sealed class SharedWorkTests
{
    [Theory]
    [InlineData(4, false), InlineData(0, true)]
    public async Task Verification_SharedByCalls_IsOfNoCall(int cached, bool isOfTheCall)
    {
        Seen seen = new();
        Users users = new()
        {
            Answer = async (_, _) =>
            {
                seen.Look();
                await Task.Yield();
                seen.Look();
                return RpcAuthentication.Accept(Users.Create("ann"));
            },
        };
        await using TestServer server = await users.StartAsync(
            app => app.MapRpc(Golden.Name, (HelloRequest request) => new HelloReply { Msg = $"{RpcParentCall.Current is not null}" }),
            rpc: options =>
            {
                options.SetsAmbientCall = true;
                options.Authentication.CachedCredentialsPerConnection = cached;
            });
        using ActivityListener listener = Listen();
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);

        await peer.SendAsync(Version2Frames.Hello(1, "x", Users.Bearer("ann")));

        Assert.Equal("True", (await peer.ReceiveResponseAsync(1)).Text); // the handler is of the call
        Assert.Equal((isOfTheCall, isOfTheCall), (seen.HasCall, seen.HasActivity));
    }

    [Fact]
    public async Task Verification_FirstCallRunsOutOfTime_OthersWithTheTokenAreServed()
    {
        ManualTime time = new();
        TaskCompletionSource entered = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource release = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Users users = new()
        {
            Answer = async (_, token) =>
            {
                // As an outgoing call does: it has the time of the call it is made for.
                TimeSpan left = RpcParentCall.Current?.TimeLeft ?? Timeout.InfiniteTimeSpan;
                entered.TrySetResult();
                await release.Task.WaitAsync(left, time, token);
                return RpcAuthentication.Accept(Users.Create("ann"));
            },
        };
        await using TestServer server = await users.StartAsync(
            app => app.MapRpc(Golden.Name, (HelloRequest request) => new HelloReply { Msg = "served" }),
            services => services.AddSingleton<TimeProvider>(time),
            options =>
            {
                options.SetsAmbientCall = true;
                options.Authentication.CachedCredentialsPerConnection = 4;
            });
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Hello(1, "x", new RpcCallHeader { Metadata = Users.Bearer("ann").Metadata, Timeout = TimeSpan.FromSeconds(1) }));
        await entered.Task.InTime();
        await peer.SendAsync(Version2Frames.Hello(2, "x", Users.Bearer("ann")), Version2Frames.Ping(1));
        Assert.Equal(RpcFrameType.Pong, (await peer.ReceiveAsync()).Type);

        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(RpcStatusCode.DeadlineExceeded, (await peer.ReceiveResponseAsync(1)).Status.Code);
        release.SetResult();

        Assert.Equal("served", (await peer.ReceiveResponseAsync(2)).Text);
    }

    [Fact]
    public async Task HealthCheck_AskedForByACall_IsOfNoCall()
    {
        Seen seen = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options => options.SetsAmbientCall = true,
            Services = services => services.AddHealthChecks().AddCheck("seen", () =>
            {
                seen.Look();
                return HealthCheckResult.Healthy();
            }),
            App = app => app.MapRpcHealthChecks(),
        });
        using ActivityListener listener = Listen();
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);

        await peer.SendAsync(Version2Frames.Request(1, new RpcCallHeader { Flags = RpcCallBits.End }, [], "grpc.health.v1.Health/Check"));

        Assert.Equal(RpcStatus.Ok, (await peer.ReceiveResponseAsync(1)).Status);
        Assert.Equal((false, false), (seen.HasCall, seen.HasActivity));
    }

    private static ActivityListener Listen()
    {
        ActivityListener listener = new()
        {
            ShouldListenTo = source => source.Name == "Kestrel.Rpc.Server",
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }

    private sealed class Seen
    {
        public volatile bool HasCall;
        public volatile bool HasActivity;

        public void Look()
        {
            HasCall |= RpcParentCall.Current is not null;
            HasActivity |= Activity.Current is not null;
        }
    }
}
