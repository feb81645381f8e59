using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Bounds on calls that run at once, of the server and of methods, in both versions.</summary>
public sealed class ConcurrencyLimitTests
{
    /// <summary>Ways in which a call may end.</summary>
    public enum Ending
    {
        Reply,
        Exception,
        NoReply,
        Cancel,
        Deadline,
        ConnectionReset,
        BadRequest,
    }

    public static TheoryData<int> Versions => LimitPeer.Versions;

    public static TheoryData<int, bool> VersionsAndPlaces => new() { { 1, true }, { 1, false }, { 2, true }, { 2, false } };

    public static IEnumerable<TheoryDataRow<int, Ending, RpcLimitPolicy>> Endings =>
        from version in Enumerable.Range(1, 2)
        from ending in Enum.GetValues<Ending>()
        from policy in Enum.GetValues<RpcLimitPolicy>()
        where version == 2 || ending is not (Ending.Cancel or Ending.Deadline)
        select new TheoryDataRow<int, Ending, RpcLimitPolicy>(version, ending, policy);

    [Theory, MemberData(nameof(VersionsAndPlaces))]
    public async Task Reject_OneBeyond_IsRefusedAndTheOthersRun(int version, bool ofServer)
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(gate, 2, ofServer: ofServer);
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, version);
        await peer.CallAsync(1);
        await peer.CallAsync(2);
        await gate.WaitForStartedAsync(2);

        await peer.CallAsync(3);
        await peer.ExpectRefusalAsync(3);
        gate.Open();

        Assert.Equal([(1u, "held"), (2u, "held")], await peer.ReceiveAsync(2));
        await peer.CallAsync(4, "free");
        Assert.Equal((4u, "free"), await peer.ReceiveAsync());
        Assert.Equal(2, gate.Started);
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task Reject_OtherConnectionsAndMethods_ShareTheServersBound(int version)
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(gate, 1);
        await using LimitPeer first = await LimitPeer.ConnectAsync(server, version);
        await using LimitPeer second = await LimitPeer.ConnectAsync(server, version);
        await first.CallAsync(1);
        await gate.WaitForStartedAsync(1);

        await second.CallAsync(1, name: "helloworld/Other");

        await second.ExpectRefusalAsync(1);
        gate.Open();
    }

    [Fact]
    public async Task Reject_MethodThatIsExempt_PassesTheServersBound()
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(gate, 1);
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, 2);
        await peer.CallAsync(1);
        await gate.WaitForStartedAsync(1);

        await peer.CallAsync(2, "free", name: "helloworld/Exempt");

        Assert.Equal((2u, "free"), await peer.ReceiveAsync());
        gate.Open();
    }

    [Theory, MemberData(nameof(VersionsAndPlaces))]
    public async Task Wait_MoreThanRun_RunOneAfterTheOtherAndTheRestIsRefused(int version, bool ofServer)
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(gate, 1, RpcLimitPolicy.Wait, waiting: 2, ofServer: ofServer);
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, version);
        await peer.CallAsync(1);
        await gate.WaitForStartedAsync(1);
        await peer.CallAsync(2);
        await peer.CallAsync(3);

        await peer.CallAsync(4);
        await peer.ExpectRefusalAsync(4);
        Assert.Equal(1, gate.Started);
        gate.Open();

        Assert.Equal([(1u, "held"), (2u, "held"), (3u, "held")], await peer.ReceiveAsync(3));
        Assert.Equal((3, 1), (gate.Started, gate.MostAtOnce));
    }

    [Theory, MemberData(nameof(Endings))]
    public async Task Permit_CallEndsInAnyWay_ComesBack(int version, Ending ending, RpcLimitPolicy policy)
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(gate, 1, policy);
        RpcConcurrencyGate bound = server.Rpc().Gates.Server!;
        LimitPeer peer = await LimitPeer.ConnectAsync(server, version);
        string text = ending switch { Ending.Exception => "throw", Ending.NoReply => "none", Ending.Reply => "free", _ => "held" };
        if (ending == Ending.BadRequest)
        {
            byte[] bad = [0xFF, 0xFF];
            await peer.Raw.SendAsync(version == 1
                ? Golden.Frame(1, RpcMethodName.Parse(Golden.Name).ProtocolData.Span, bad)
                : Version2Frames.Request(1, new RpcCallHeader { Flags = RpcCallBits.End }, bad));
        }
        else
        {
            await peer.CallAsync(1, text, timeout: ending == Ending.Deadline ? TimeSpan.FromMilliseconds(50) : null);
        }

        if (ending is Ending.Cancel or Ending.ConnectionReset)
        {
            await gate.WaitForStartedAsync(1);
            await (ending == Ending.Cancel ? peer.CancelAsync(1) : Task.Run(peer.Raw.Reset));
        }

        if (ending == Ending.ConnectionReset)
        {
            await bound.WaitForAsync(0, 0);
            peer = await LimitPeer.ConnectAsync(server, version);
        }
        else
        {
            Assert.Equal(1u, (await peer.ReceiveAsync()).Id);
            Assert.Equal(0, bound.Running);
        }

        await peer.CallAsync(2, "free");
        Assert.Equal((2u, "free"), await peer.ReceiveAsync());
        await peer.DisposeAsync();
        await server.ExpectNothingLeftAsync();
        Assert.Equal((0, 0), (bound.Running, bound.Waiting));
    }

    [Fact]
    public async Task Wait_CallsAreCancelledOrOutOfTimeInTheLine_AreToldAndNeverRun()
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(gate, 1, RpcLimitPolicy.Wait, waiting: 10);
        RpcConcurrencyGate bound = server.Rpc().Gates.Server!;
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, 2);
        await peer.CallAsync(1);
        await gate.WaitForStartedAsync(1);
        await peer.CallAsync(2);
        await peer.CallAsync(3, timeout: TimeSpan.FromMilliseconds(50));
        await bound.WaitForAsync(1, 2);

        await peer.CancelAsync(2);

        Assert.Equal([(2u, "!Cancelled"), (3u, "!DeadlineExceeded")], await peer.ReceiveAsync(2));
        await bound.WaitForAsync(1, 0);
        gate.Open();
        Assert.Equal((1u, "held"), await peer.ReceiveAsync());
        Assert.Equal(1, gate.Started);
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task Wait_ConnectionIsResetWhileCallsWait_LeavesNothing(int version)
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(gate, 1, RpcLimitPolicy.Wait, waiting: 10);
        RpcConcurrencyGate bound = server.Rpc().Gates.Server!;
        await using LimitPeer stays = await LimitPeer.ConnectAsync(server, version);
        await stays.CallAsync(1);
        await gate.WaitForStartedAsync(1);
        LimitPeer goes = await LimitPeer.ConnectAsync(server, version);
        await goes.CallAsync(1);
        await goes.CallAsync(2);
        await bound.WaitForAsync(1, 2);

        goes.Raw.Reset();

        await bound.WaitForAsync(1, 0);
        gate.Open();
        Assert.Equal((1u, "held"), await stays.ReceiveAsync());
        Assert.Equal(1, gate.Started);
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task RunInPlace_Beyond_RunsAndNothingMoreIsReadUntilItHasEnded(int version)
    {
        Gate gate = new();
        Gate beyond = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app =>
            {
                app.MapRpc(Golden.Name, (HelloRequest request, CancellationToken token) => (request.Msg == "beyond" ? beyond : gate).HandleAsync(request, token))
                    .RequireConcurrency(1, RpcLimitPolicy.RunInPlace);
                app.MapRpc("helloworld/Other", (HelloRequest request) => new HelloReply { Msg = request.Msg });
            },
        });
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, version);
        await using LimitPeer other = await LimitPeer.ConnectAsync(server, version);
        await peer.CallAsync(1);
        await gate.WaitForStartedAsync(1);
        await peer.CallAsync(2, "beyond");
        await beyond.WaitForStartedAsync(1);

        await peer.CallAsync(3, "late", name: "helloworld/Other");
        await other.CallAsync(1, "other", name: "helloworld/Other");
        Assert.Equal((1u, "other"), await other.ReceiveAsync());
        gate.Open();
        Assert.Equal((1u, "held"), await peer.ReceiveAsync());
        beyond.Open();

        // Two replies that were ready at once may change places; the third was read only after the second had ended.
        Assert.Equal([(2u, "beyond"), (3u, "late")], await peer.ReceiveAsync(2));
    }

    [Fact]
    public async Task RunInPlace_CallWithStreams_IsRefused()
    {
        Gate gate = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app => app.MapRpc(Golden.Name, async (IAsyncEnumerable<HelloRequest> requests, CancellationToken token) =>
            {
                await gate.HandleAsync(new HelloRequest { Msg = "held" }, token);
                return new HelloReply();
            }).RequireConcurrency(1, RpcLimitPolicy.RunInPlace),
        });
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, 2);
        await peer.CallAsync(1);
        await gate.WaitForStartedAsync(1);

        await peer.CallAsync(2);

        await peer.ExpectRefusalAsync(2);
        gate.Open();
    }

    [Fact]
    public async Task Wait_CallWithStreams_RunsWhenItsTurnComes()
    {
        Gate gate = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app => app.MapRpc(Golden.Name, async (IAsyncEnumerable<HelloRequest> requests, CancellationToken token) =>
            {
                await gate.HandleAsync(new HelloRequest { Msg = "held" }, token);
                int count = 0;
                await foreach (HelloRequest request in requests)
                {
                    count++;
                }

                return new HelloReply { Msg = $"{count}" };
            }).RequireConcurrency(1, RpcLimitPolicy.Wait),
        });
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, 2);
        await peer.CallAsync(1);
        await gate.WaitForStartedAsync(1);
        await peer.Raw.SendAsync(Version2Frames.Request(2, new RpcCallHeader { Flags = RpcCallBits.NoMessage }, []));
        await peer.Raw.SendAsync(Version2Frames.Data(2, RpcCallBits.None, []));
        await peer.Raw.SendAsync(Version2Frames.Data(2, RpcCallBits.End, []));

        gate.Open();

        Assert.Equal([(1u, "1"), (2u, "2")], await peer.ReceiveAsync(2));
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task Gates_MethodsBoundThenServers_BothCountAndBothComeBack(int version)
    {
        Gate gate = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options =>
            {
                options.Limits.Calls.MaxConcurrentCalls = 2;
                options.Limits.Calls.AtLimit = RpcLimitPolicy.Wait;
            },
            App = app =>
            {
                app.MapRpc(Golden.Name, gate.HandleAsync).RequireConcurrency(3, RpcLimitPolicy.Wait);
            },
        });
        RpcConcurrencyGate bound = server.Rpc().Gates.Server!;
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, version);
        for (uint id = 1; id <= 10; id++)
        {
            await peer.CallAsync(id);
        }

        await bound.WaitForAsync(2, 1); // one waits for the server's place with one of the method's, and seven for that
        gate.Open();

        Assert.Equal(Enumerable.Range(1, 10).Select(id => ((uint)id, "held")), await peer.ReceiveAsync(10));
        Assert.True(gate.MostAtOnce <= 2, $"{gate.MostAtOnce}");
        await bound.WaitForAsync(0, 0);
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task Stress_ManyCallersOfASmallBound_AllAreAnsweredAndNoPlaceIsLost(int version)
    {
        const int Peers = 8;
        const int Calls = 300;
        int running = 0;
        int most = 0;
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options =>
            {
                options.Limits.Calls.MaxConcurrentCalls = 3;
                options.Limits.Calls.AtLimit = RpcLimitPolicy.Wait;
                options.Limits.Calls.MaxWaitingCalls = 200;
            },
            App = app => app.MapRpc(Golden.Name, async (HelloRequest request) =>
            {
                int now = Interlocked.Increment(ref running);
                InterlockedMax(ref most, now);
                await Task.Yield();
                Interlocked.Decrement(ref running);
                return new HelloReply { Msg = request.Msg };
            }),
        });

        await Parallel.ForAsync(0, Peers, new ParallelOptions { MaxDegreeOfParallelism = Peers }, async (_, _) =>
        {
            await using LimitPeer peer = await LimitPeer.ConnectAsync(server, version);
            for (uint id = 1; id <= Calls; id++)
            {
                await peer.CallAsync(id, "go");
                if (version == 2 && id % 3 == 0)
                {
                    await peer.CancelAsync(id);
                }
            }

            Assert.Equal(Enumerable.Range(1, Calls).Select(id => (uint)id), (await peer.ReceiveAsync(Calls)).Select(reply => reply.Id));
        });

        await server.Rpc().Gates.Server!.WaitForAsync(0, 0);
        Assert.InRange(most, 1, 3);
    }

    [Theory]
    [InlineData(0), InlineData(1_000_001)]
    public void RequireConcurrency_OutOfRange_Throws(int most)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddRpc();
        using WebApplication app = builder.Build();
        RpcEndpointConventionBuilder method = app.MapHello();

        Assert.Contains("RequireConcurrency.MaxConcurrentCalls", Assert.Throws<ArgumentOutOfRangeException>(() => method.RequireConcurrency(most)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => method.RequireConcurrency(1, (RpcLimitPolicy)9));
        Assert.Throws<ArgumentOutOfRangeException>(() => method.RequireConcurrency(_ => { }));
    }

    [Fact]
    public async Task Options_OutOfRange_FailTheStartWithTheirNames()
    {
        Exception error = await Assert.ThrowsAnyAsync<Exception>(() => TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options =>
            {
                options.Limits.Calls.MaxConcurrentCalls = 0;
                options.Limits.Calls.AtLimit = (RpcLimitPolicy)7;
                options.Limits.Calls.MaxWaitingCalls = 0;
                options.Limits.Calls.Adaptive = new RpcAdaptiveConcurrencyOptions { InitialLimit = 0, MinLimit = -1, RemeasureInterval = TimeSpan.Zero };
                options.Limits.PriorityKey = "key-bin";
                options.Limits.MaxConnections = 0;
                options.Limits.MaxStreamsPerConnection = 0;
                options.Connections.IdleTimeout = TimeSpan.Zero;
                options.Connections.SendTimeout = TimeSpan.FromSeconds(-5);
            },
        }));

        string[] keys =
        [
            "Limits.Calls.MaxConcurrentCalls", "Limits.Calls.AtLimit", "Limits.Calls.MaxWaitingCalls", "Limits.Calls.Adaptive.InitialLimit", "Limits.Calls.Adaptive.MinLimit",
            "Limits.Calls.Adaptive.RemeasureInterval", "Limits.PriorityKey", "Limits.MaxConnections", "Limits.MaxStreamsPerConnection", "Connections.IdleTimeout", "Connections.SendTimeout",
        ];
        Assert.All(keys, key => Assert.Contains($"RpcServerOptions.{key} is ", error.Message, StringComparison.Ordinal));
    }

    private static void InterlockedMax(ref int most, int value)
    {
        int seen = Volatile.Read(ref most);
        while (value > seen)
        {
            seen = Interlocked.CompareExchange(ref most, value, seen) is var before && before == seen ? value : before;
        }
    }

    // "throw" and "none" end badly, "free" at once, others when the gate opens.
    private static Task<TestServer> StartAsync(Gate gate, int most, RpcLimitPolicy policy = RpcLimitPolicy.Reject, int waiting = 1_000, bool ofServer = true) =>
        TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options =>
            {
                if (ofServer)
                {
                    options.Limits.Calls.MaxConcurrentCalls = most;
                    options.Limits.Calls.AtLimit = policy;
                    options.Limits.Calls.MaxWaitingCalls = waiting;
                }
            },
            App = app =>
            {
                RpcEndpointConventionBuilder method = app.MapRpc(Golden.Name, async (HelloRequest request, CancellationToken token) => request.Msg switch
                {
                    "throw" => throw new InvalidOperationException("as told"),
                    "none" => null!,
                    _ => await gate.HandleAsync(request, token),
                });
                app.MapRpc("helloworld/Other", gate.HandleAsync);
                app.MapRpc("helloworld/Exempt", gate.HandleAsync).DisableServerConcurrencyLimit();
                if (!ofServer)
                {
                    method.RequireConcurrency(options =>
                    {
                        options.MaxConcurrentCalls = most;
                        options.AtLimit = policy;
                        options.MaxWaitingCalls = waiting;
                    });
                }
            },
        });
}
