using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>What becomes of calls beyond the bound of their connection, by option; other connections never notice.</summary>
public sealed class ConnectionPolicyTests
{
    public static TheoryData<int> Versions => LimitPeer.Versions;

    [Theory, MemberData(nameof(Versions))]
    public async Task Reject_OneBeyond_IsRefusedAndAnotherConnectionIsServed(int version)
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(gate, RpcLimitPolicy.Reject);
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, version);
        await using LimitPeer other = await LimitPeer.ConnectAsync(server, version);
        await peer.CallAsync(1);
        await peer.CallAsync(2);
        await gate.WaitForStartedAsync(2);

        await peer.CallAsync(3);
        await peer.ExpectRefusalAsync(3);
        await peer.CallAsync(4, name: "helloworld/Exempt");
        await peer.ExpectRefusalAsync(4); // exempt from the server's bound, not from this
        await other.CallAsync(1, "free");
        Assert.Equal((1u, "free"), await other.ReceiveAsync());
        gate.Open();

        Assert.Equal([(1u, "held"), (2u, "held")], await peer.ReceiveAsync(2));
        await peer.CallAsync(5, "free");
        Assert.Equal((5u, "free"), await peer.ReceiveAsync());
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task Wait_SomeBeyond_RunInTheirTurnAndTooManyAreRefused(int version)
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(gate, RpcLimitPolicy.Wait, waiting: 2);
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, version);
        await using LimitPeer other = await LimitPeer.ConnectAsync(server, version);
        for (uint id = 1; id <= 5; id++)
        {
            await peer.CallAsync(id);
        }

        await peer.ExpectRefusalAsync(5);
        await other.CallAsync(1);
        await gate.WaitForStartedAsync(3);
        gate.Open();

        Assert.Equal([(1u, "held"), (2u, "held"), (3u, "held"), (4u, "held")], await peer.ReceiveAsync(4));
        Assert.Equal((1u, "held"), await other.ReceiveAsync());
        Assert.Equal(3, gate.MostAtOnce); // two of the one, one of the other
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task RunInPlace_Beyond_RunsAndTheConnectionReadsNothingMeanwhile(int version)
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(gate, RpcLimitPolicy.RunInPlace);
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, version);
        await using LimitPeer other = await LimitPeer.ConnectAsync(server, version);
        for (uint id = 1; id <= 4; id++)
        {
            await peer.CallAsync(id);
        }

        await gate.WaitForStartedAsync(3);
        await other.CallAsync(1, "free");
        Assert.Equal((1u, "free"), await other.ReceiveAsync());
        Assert.Equal(3, gate.Started); // the fourth was not read
        gate.Open();

        Assert.Equal([(1u, "held"), (2u, "held"), (3u, "held"), (4u, "held")], await peer.ReceiveAsync(4));
    }

    [Fact]
    public async Task Wait_CallIsCancelledOrItsConnectionEnds_LeavesNothing()
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(gate, RpcLimitPolicy.Wait);
        LimitPeer peer = await LimitPeer.ConnectAsync(server, 2);
        for (uint id = 1; id <= 4; id++)
        {
            await peer.CallAsync(id);
        }

        await gate.WaitForStartedAsync(2);
        await peer.CancelAsync(3);
        Assert.Equal((3u, "!Cancelled"), await peer.ReceiveAsync());
        peer.Raw.Reset();

        await server.ExpectNothingLeftAsync();
        Assert.Equal((2, 2), (gate.Started, gate.Cancelled));
    }

    [Fact]
    public async Task Wait_AtTheConnectionsAndTheServersBound_HoldsPlacesOfItsConnectionAlone()
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(gate, RpcLimitPolicy.Wait, ofServer: 3);
        RpcConcurrencyGate bound = server.Rpc().Gates.Server!;
        await using LimitPeer many = await LimitPeer.ConnectAsync(server, 2);
        await using LimitPeer few = await LimitPeer.ConnectAsync(server, 2);
        for (uint id = 1; id <= 10; id++)
        {
            await many.CallAsync(id);
        }

        await many.Raw.SendAsync(Version2Frames.Ping(1));
        Assert.Equal(RpcFrameType.Pong, (await many.TryReceiveFrameAsync())?.Type); // all were read
        await few.CallAsync(1);
        await few.CallAsync(2);

        await bound.WaitForAsync(3, 1); // eight wait for their connection, and stand in nobody's way
        gate.Open();
        await many.ReceiveAsync(10);
        await few.ReceiveAsync(2);
        await bound.WaitForAsync(0, 0);
    }

    [Fact]
    public async Task Options_AdaptiveOrOutOfRange_FailTheStart()
    {
        Exception error = await Assert.ThrowsAnyAsync<Exception>(() => TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options =>
            {
                options.Limits.CallsPerConnection.MaxConcurrentCalls = 0;
                options.Limits.CallsPerConnection.Adaptive = new RpcAdaptiveConcurrencyOptions();
            },
        }));

        Assert.Contains("RpcServerOptions.Limits.CallsPerConnection.MaxConcurrentCalls is 0", error.Message, StringComparison.Ordinal);
        Assert.Contains("RpcServerOptions.Limits.CallsPerConnection.Adaptive is set", error.Message, StringComparison.Ordinal);
    }

    private static Task<TestServer> StartAsync(Gate gate, RpcLimitPolicy policy, int waiting = 100, int? ofServer = null) => TestServer.StartAsync(new TestServerSetup
    {
        Rpc = options =>
        {
            options.Limits.CallsPerConnection.MaxConcurrentCalls = 2;
            options.Limits.CallsPerConnection.AtLimit = policy;
            options.Limits.CallsPerConnection.MaxWaitingCalls = waiting;
            options.Limits.Calls.MaxConcurrentCalls = ofServer;
            options.Limits.Calls.AtLimit = RpcLimitPolicy.Wait;
        },
        App = app =>
        {
            app.MapRpc(Golden.Name, gate.HandleAsync);
            app.MapRpc("helloworld/Exempt", gate.HandleAsync).DisableServerConcurrencyLimit();
        },
    });
}
