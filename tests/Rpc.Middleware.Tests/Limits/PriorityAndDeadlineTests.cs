using System.Collections.Concurrent;
using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Who is refused first, who goes first, and who is too late.</summary>
public sealed class PriorityAndDeadlineTests
{
    private const string Key = "rpc-priority";

    [Fact]
    public async Task Low_AtThreeQuartersOfTheBound_IsRefusedWhileOthersAreLetIn()
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(gate, 4, RpcLimitPolicy.Reject);
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, 2);
        for (uint id = 1; id <= 3; id++)
        {
            await peer.CallAsync(id, metadata: Priority("low"));
        }

        await gate.WaitForStartedAsync(3);
        await peer.CallAsync(4, metadata: Priority("low"));
        await peer.ExpectRefusalAsync(4);
        await peer.CallAsync(5, metadata: Priority("of no meaning"));
        await gate.WaitForStartedAsync(4);
        await peer.CallAsync(6, metadata: Priority("high"));
        await peer.ExpectRefusalAsync(6);

        gate.Open();
        Assert.Equal([1u, 2u, 3u, 5u], (await peer.ReceiveAsync(4)).Select(reply => reply.Id));
    }

    [Fact]
    public async Task Low_WithoutAKey_IsAsAnyOther()
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(gate, 1, RpcLimitPolicy.Reject, key: null);
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, 2);

        await peer.CallAsync(1, "free", Priority("low"));

        Assert.Equal((1u, "free"), await peer.ReceiveAsync());
    }

    [Fact]
    public async Task Line_CallsOfAllPriorities_RunInTheirOrder()
    {
        Gate gate = new();
        ConcurrentQueue<string> order = [];
        await using TestServer server = await StartAsync(gate, 1, RpcLimitPolicy.Wait, order: order);
        RpcConcurrencyGate bound = server.Rpc().Gates.Server!;
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, 2);
        await peer.CallAsync(1);
        await gate.WaitForStartedAsync(1);
        string?[] priorities = ["low", null, "high", "low", "none", "high"];
        for (int i = 0; i < priorities.Length; i++)
        {
            await peer.CallAsync((uint)i + 2, $"{i} {priorities[i]}", priorities[i] is { } priority ? Priority(priority) : null);
        }

        await bound.WaitForAsync(1, priorities.Length);
        gate.Open();
        await peer.ReceiveAsync(priorities.Length + 1);

        Assert.Equal(["held", "2 high", "5 high", "1 ", "4 none", "0 low", "3 low"], order);
    }

    [Fact]
    public async Task Line_IsFull_HigherPriorityTakesTheLastPlaceOfALowerOne()
    {
        Gate gate = new();
        await using TestServer server = await StartAsync(gate, 1, RpcLimitPolicy.Wait, waiting: 2);
        RpcConcurrencyGate bound = server.Rpc().Gates.Server!;
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, 2);
        await peer.CallAsync(1);
        await gate.WaitForStartedAsync(1);
        await peer.CallAsync(2, metadata: Priority("low"));
        await peer.CallAsync(3);
        await bound.WaitForAsync(1, 2);

        await peer.CallAsync(4);
        await peer.ExpectRefusalAsync(2);
        await peer.CallAsync(5, metadata: Priority("high"));
        await peer.ExpectRefusalAsync(4);
        await peer.CallAsync(6, metadata: Priority("low"));
        await peer.ExpectRefusalAsync(6);
        gate.Open();

        Assert.Equal([1u, 3u, 5u], (await peer.ReceiveAsync(3)).Select(reply => reply.Id));
    }

    [Fact]
    public async Task Deadline_ShorterThanTheWaitAhead_IsRefusedAtOnce()
    {
        ManualTime time = new();
        Gate first = new();
        Gate gate = new();
        await using TestServer server = await StartAsync(gate, 1, RpcLimitPolicy.Wait, time: time, first: first);
        RpcConcurrencyGate bound = server.Rpc().Gates.Server!;
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, 2);
        await peer.CallAsync(1, "first");
        await first.WaitForStartedAsync(1);
        time.Advance(TimeSpan.FromSeconds(10));
        first.Open();
        Assert.Equal((1u, "first"), await peer.ReceiveAsync()); // so calls take 10 s
        await peer.CallAsync(2);
        await gate.WaitForStartedAsync(1);
        await peer.CallAsync(3);
        await bound.WaitForAsync(1, 1);

        await peer.CallAsync(4, timeout: TimeSpan.FromSeconds(19));
        await peer.ExpectRefusalAsync(4);
        await peer.CallAsync(5, timeout: TimeSpan.FromSeconds(21));
        await bound.WaitForAsync(1, 2);
        gate.Open();

        Assert.Equal([2u, 3u, 5u], (await peer.ReceiveAsync(3)).Select(reply => reply.Id));
    }

    [Theory]
    [InlineData("high", 25, true), InlineData("high", 9, false), InlineData(null, 25, true), InlineData("low", 59, false), InlineData("low", 61, true)]
    public async Task Deadline_CallsOfLowerPriorityWait_CountsThoseAheadOnly(string? priority, int seconds, bool isLetWait)
    {
        ManualTime time = new();
        Gate first = new();
        Gate gate = new();
        await using TestServer server = await StartAsync(gate, 1, RpcLimitPolicy.Wait, time: time, first: first);
        RpcConcurrencyGate bound = server.Rpc().Gates.Server!;
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, 2);
        await peer.CallAsync(1, "first");
        await first.WaitForStartedAsync(1);
        time.Advance(TimeSpan.FromSeconds(10));
        first.Open();
        Assert.Equal((1u, "first"), await peer.ReceiveAsync()); // so calls take 10 s
        await peer.CallAsync(2);
        await gate.WaitForStartedAsync(1);
        for (uint id = 3; id < 8; id++)
        {
            await peer.CallAsync(id, metadata: Priority("low"));
        }

        await bound.WaitForAsync(1, 5);
        await peer.CallAsync(9, metadata: priority is null ? null : Priority(priority), timeout: TimeSpan.FromSeconds(seconds));
        if (isLetWait)
        {
            await bound.WaitForAsync(1, 6);
        }
        else
        {
            await peer.ExpectRefusalAsync(9);
        }

        gate.Open();
    }

    [Theory]
    [InlineData(RpcScheduling.Dedicated), InlineData(RpcScheduling.ThreadPool)]
    public async Task Deadline_IsOverWhenTheTurnComes_CallIsNotRun(RpcScheduling scheduling)
    {
        ManualTime time = new();
        using ManualResetEventSlim release = new();
        using SemaphoreSlim started = new(0);
        int ran = 0;
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options =>
            {
                options.Dedicated.ThreadCount = 1;
                if (scheduling == RpcScheduling.ThreadPool)
                {
                    options.Limits.Calls.MaxConcurrentCalls = 1;
                    options.Limits.Calls.AtLimit = RpcLimitPolicy.Wait;
                }
            },
            Services = services => services.AddSingleton<TimeProvider>(time),
            App = app => app.MapRpc(Golden.Name, (HelloRequest request) =>
            {
                Interlocked.Increment(ref ran);
                started.Release();
                Assert.True(release.Wait(TimeLimits.Limit));
                return new HelloReply { Msg = request.Msg };
            }).WithScheduling(scheduling),
        });
        await using LimitPeer peer = await LimitPeer.ConnectAsync(server, 2);
        await peer.CallAsync(1);
        Assert.True(await started.WaitAsync(TimeLimits.Limit));
        await peer.CallAsync(2, timeout: TimeSpan.FromSeconds(5));
        await peer.Raw.SendAsync(Version2Frames.Ping(1));
        Assert.Equal(RpcFrameType.Pong, (await peer.TryReceiveFrameAsync())?.Type); // so the call was read

        time.Advance(TimeSpan.FromSeconds(6));
        release.Set();

        Assert.Equal([(1u, "held"), (2u, "!DeadlineExceeded")], await peer.ReceiveAsync(2));
        Assert.Equal(1, ran);
    }

    private static RpcMetadata Priority(string value) => new() { { Key, value } };

    private static Task<TestServer> StartAsync(
        Gate gate, int most, RpcLimitPolicy policy, string? key = Key, int waiting = 100, ConcurrentQueue<string>? order = null, ManualTime? time = null, Gate? first = null) =>
        TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options =>
            {
                options.Limits.PriorityKey = key;
                options.Limits.Calls.MaxConcurrentCalls = most;
                options.Limits.Calls.AtLimit = policy;
                options.Limits.Calls.MaxWaitingCalls = waiting;
            },
            Services = services => services.AddSingleton(time ?? TimeProvider.System),
            App = app => app.MapRpc(Golden.Name, async (HelloRequest request, CancellationToken token) =>
            {
                order?.Enqueue(request.Msg);
                return await (request.Msg == "first" ? first! : gate).HandleAsync(request, token);
            }),
        });
}
