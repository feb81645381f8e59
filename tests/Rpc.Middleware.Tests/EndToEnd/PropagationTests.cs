using Hello;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Time limits and cancellation go from a client through a server to the next one.</summary>
public sealed class PropagationTests
{
    private static readonly RpcMethod<HelloRequest, HelloReply> Hello = SourceServer.Hello;

    public static TheoryData<bool> Ways => [true, false]; // the context passed as the parent, or ambient

    [Theory, MemberData(nameof(Ways))]
    public async Task Call_WithALimit_NextServerSeesWhatIsLeftOfIt(bool isPassed)
    {
        await using Row row = await Row.StartAsync(isPassed);

        await row.CallAsync(new RpcCallOptions { Timeout = TimeSpan.FromMinutes(5) }).InTime();

        Assert.InRange(await row.TimeLeft.Task.InTime() ?? TimeSpan.MaxValue, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5));
    }

    [Theory, MemberData(nameof(Ways))]
    public async Task Call_RunsOutOfTime_NextServerIsToldAndTheCallBetweenToo(bool isPassed)
    {
        ManualTime time = new();
        await using Row row = await Row.StartAsync(isPassed, isStuck: true, time: time);
        Task<HelloReply> call = row.CallAsync(new RpcCallOptions { Timeout = TimeSpan.FromMinutes(1) });
        await row.TimeLeft.Task.InTime();

        time.Advance(TimeSpan.FromMinutes(2));

        RpcException failed = await Assert.ThrowsAsync<RpcException>(() => call.InTime());
        Assert.Equal(RpcStatusCode.DeadlineExceeded, failed.StatusCode);
        Exception between = await row.Between.Task.InTime();
        Assert.Equal(RpcStatusCode.DeadlineExceeded, Assert.IsType<RpcException>(between).StatusCode);
        await row.Cancelled.Task.InTime();
    }

    [Theory, MemberData(nameof(Ways))]
    public async Task Call_GivenUp_NextServersTokenIsCancelled(bool isPassed)
    {
        await using Row row = await Row.StartAsync(isPassed, isStuck: true);
        using CancellationTokenSource cancellation = new();
        Task<HelloReply> call = row.CallAsync(new RpcCallOptions { CancellationToken = cancellation.Token, Timeout = TimeSpan.FromMinutes(5) });
        await row.TimeLeft.Task.InTime();

        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.InTime());
        Assert.IsAssignableFrom<OperationCanceledException>(await row.Between.Task.InTime());
        await row.Cancelled.Task.InTime();
    }

    [Theory]
    [InlineData(true, 1)]
    [InlineData(true, 2)]
    [InlineData(false, 1)]
    [InlineData(false, 2)]
    public async Task Call_OfVersion1ItsClientIsGone_NextServersTokenIsCancelled(bool isPassed, int nextVersion)
    {
        await using Row row = await Row.StartAsync(isPassed, isStuck: true, version: 1, nextVersion);
        RawPeer peer = await row.First.ConnectAsync();
        await peer.SendAsync(Golden.Request);
        Assert.Null(await row.TimeLeft.Task.InTime());

        peer.Reset();

        Assert.IsAssignableFrom<OperationCanceledException>(await row.Between.Task.InTime());
        if (nextVersion == 2)
        {
            await row.Cancelled.Task.InTime(); // version 1 cannot tell it
        }
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task Ambient_OneSideOnly_CallHasNoParent(bool sets, bool follows)
    {
        await using Row row = await Row.StartAsync(isPassed: false, sets: sets, follows: follows);

        await row.CallAsync(new RpcCallOptions { Timeout = TimeSpan.FromMinutes(5) }).InTime();

        Assert.Null(await row.TimeLeft.Task.InTime());
    }

    [Fact]
    public async Task Ambient_CallsOfAnInlineLoop_HaveEachItsOwn()
    {
        List<TimeSpan?> seen = [];
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options =>
            {
                options.Scheduling = RpcScheduling.Inline;
                options.SetsAmbientCall = true;
            },
            App = app => app.MapRpc(Golden.Name, (HelloRequest request) =>
            {
                seen.Add(RpcParentCall.Current!.TimeLeft);
                return new HelloReply();
            }),
        });
        await using RawPeer peer = await server.ConnectAsync();
        byte[] define = Version2Frames.Hello(1, index: 1);

        byte[] calls = [.. define, .. Version2Frames.HelloByIndex(2, 1, timeout: TimeSpan.FromMinutes(5)), .. Version2Frames.HelloByIndex(3, 1)];

        await peer.SendAsync(calls);
        for (int replies = 0; replies < 3;)
        {
            replies += (await peer.TryReceiveVersion2Async())!.Type == RpcFrameType.Response ? 1 : 0;
        }

        Assert.Equal([false, true, false], seen.Select(left => left.HasValue));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Ambient_AfterThePipelineHasReturned_ThreadHasNone(bool isPending)
    {
        TaskCompletionSource gate = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app => app.MapHello().AddRpcFilter(async (call, next) =>
            {
                RpcDelegate around = RpcAmbientCall.Around(async _ =>
                {
                    Assert.NotNull(RpcParentCall.Current);
                    if (isPending)
                    {
                        await gate.Task;
                    }

                    Assert.NotNull(RpcParentCall.Current);
                });
                ValueTask running = around(call);
                bool isNone = RpcParentCall.Current is null;
                gate.TrySetResult();
                await running;
                call.Reply = new HelloReply { Msg = $"{isNone} {RpcParentCall.Current is null}" };
            }),
        });
        await using RpcConnection client = await RpcConnection.ConnectAsync(server.EndPoint).InTime();

        Assert.Equal("True True", (await client.CallAsync(Hello, new HelloRequest()).InTime()).Msg);
    }

    [Fact]
    public async Task Ambient_TaskThatOutlivesItsCall_IsLimitedByNothing()
    {
        TaskCompletionSource goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource looked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource<(TimeSpan?, bool)> seen = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options => options.SetsAmbientCall = true,
            App = app => app.MapRpc(Golden.Name, async (HelloRequest request) =>
            {
                _ = Task.Run(async () =>
                {
                    CancellationToken held = RpcParentCall.Current!.CancellationToken;
                    looked.SetResult();
                    await goOn.Task;
                    seen.SetResult((RpcParentCall.Current!.TimeLeft, RpcParentCall.Current.CancellationToken.CanBeCanceled || held.IsCancellationRequested));
                });
                await looked.Task;
                return new HelloReply();
            }),
        });
        await using RpcConnection client = await RpcConnection.ConnectAsync(server.EndPoint).InTime();

        await client.CallAsync(Hello, new HelloRequest(), new RpcCallOptions { Timeout = TimeSpan.FromMinutes(5) }).InTime();
        goOn.SetResult();

        Assert.Equal((null, false), await seen.Task.InTime());
    }

    /// <summary>A client, a server between, and the one that it calls.</summary>
    private sealed class Row(TestServer last, TestServer first, RpcConnection next) : IAsyncDisposable
    {
        public TestServer First => first;

        public RpcConnection Client { get; private set; } = null!;

        /// <summary>What the last server sees.</summary>
        public TaskCompletionSource<TimeSpan?> TimeLeft { get; private init; } = null!;

        public TaskCompletionSource Cancelled { get; private init; } = null!;

        /// <summary>How the call between ended badly.</summary>
        public TaskCompletionSource<Exception> Between { get; private init; } = null!;

        public static async Task<Row> StartAsync(
            bool isPassed, bool isStuck = false, int version = 2, int nextVersion = 2, bool sets = true, bool follows = true, TimeProvider? time = null)
        {
            time ??= TimeProvider.System;
            TaskCompletionSource<TimeSpan?> timeLeft = new(TaskCreationOptions.RunContinuationsAsynchronously);
            TaskCompletionSource cancelled = new(TaskCreationOptions.RunContinuationsAsynchronously);
            TaskCompletionSource<Exception> between = new(TaskCreationOptions.RunContinuationsAsynchronously);
            TestServer last = await TestServer.StartAsync(new TestServerSetup
            {
                ShutdownTimeout = TimeSpan.FromSeconds(1),
                App = app => app.MapRpc(Golden.Name, async (HelloRequest request, RpcContext context) =>
                {
                    timeLeft.TrySetResult(context.TimeLeft);
                    if (isStuck)
                    {
                        TaskCompletionSource given = new(TaskCreationOptions.RunContinuationsAsynchronously);
                        using CancellationTokenRegistration registration = context.CancellationToken.Register(given.SetResult);
                        await given.Task;
                        cancelled.TrySetResult();
                    }

                    return new HelloReply { Msg = request.Msg };
                }),
            });
            RpcConnection next = await RpcConnection.ConnectAsync(
                last.EndPoint, new RpcConnectionOptions { ProtocolVersion = nextVersion, FollowsAmbientCall = follows && !isPassed, TimeProvider = time }).InTime();
            TestServer first = await TestServer.StartAsync(new TestServerSetup
            {
                Rpc = options => options.SetsAmbientCall = sets && !isPassed,
                Services = services => services.AddSingleton(time),
                App = app => app.MapRpc(Golden.Name, async (HelloRequest request, RpcContext context) =>
                {
                    try
                    {
                        await Task.Yield();
                        return await next.CallAsync(Hello, request, isPassed ? new RpcCallOptions { Parent = context } : default);
                    }
                    catch (Exception exception)
                    {
                        between.TrySetResult(exception);
                        throw;
                    }
                }),
            });
            return new Row(last, first, next)
            {
                Client = await RpcConnection.ConnectAsync(first.EndPoint, new RpcConnectionOptions { ProtocolVersion = version, TimeProvider = time }).InTime(),
                TimeLeft = timeLeft,
                Cancelled = cancelled,
                Between = between,
            };
        }

        public Task<HelloReply> CallAsync(RpcCallOptions options) => Client.CallAsync(Hello, new HelloRequest { Msg = "world" }, options).AsTask();

        public async ValueTask DisposeAsync()
        {
            await Client.DisposeAsync();
            await first.DisposeAsync();
            await next.DisposeAsync();
            await last.DisposeAsync();
        }
    }
}
