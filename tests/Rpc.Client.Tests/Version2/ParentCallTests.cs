using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client.Tests.Version2;

/// <summary>Calls that are made for another call: its time, its cancellation, and nothing of it for later calls.</summary>
public class ParentCallTests
{
    [Theory]
    [InlineData(60, null, 60)]
    [InlineData(60, 30, 30)]
    [InlineData(60, 90, 60)]
    [InlineData(null, 30, 30)]
    [InlineData(null, null, null)]
    public async Task Call_OwnTimeAndTheParents_TheSmallerGoesWithIt(int? parent, int? own, int? expected)
    {
        ManualClock clock = new();
        await using ScriptedServer server = new(new RpcConnectionOptions { TimeProvider = clock });
        Task<StringValue> call = server.HelloAsync("a", new RpcCallOptions { Parent = new Parent(Seconds(parent)), Timeout = Seconds(own) });

        ClientFrame request = await server.ReceiveAsync(RpcFrameType.Request);

        Assert.Equal(Seconds(expected), request.Timeout);
        await server.SendAsync(ServerFrame.Response(request.CallId, "b"));
        Assert.Equal("b", (await call.Within()).Value);
    }

    [Theory]
    [InlineData("unary")]
    [InlineData("call")]
    [InlineData("stream")]
    [InlineData("one-way")]
    public async Task Call_ParentIsOutOfTime_FailsAtOnceAndNothingIsSent(string shape)
    {
        await using ScriptedServer server = new();
        Parent parent = new(TimeSpan.Zero);
        parent.Cancel(); // as it is with one whose time is over

        RpcException failed = await Assert.ThrowsAsync<RpcException>(() => StartAsync(server, shape, new RpcCallOptions { Parent = parent }).Within());

        Assert.Equal(RpcStatusCode.DeadlineExceeded, failed.StatusCode);
        Task<StringValue> next = server.HelloAsync("next");
        ClientFrame request = await server.ReceiveAsync(RpcFrameType.Request);
        Assert.Equal("next", StringValue.Parser.ParseFrom(request.Body).Value);
        await server.SendAsync(ServerFrame.Response(request.CallId, "b"));
        await next.Within();
    }

    [Theory]
    [InlineData("unary")]
    [InlineData("call")]
    [InlineData("stream")]
    [InlineData("one-way")]
    public async Task Call_ParentIsCancelledAlready_IsCancelledWithItsTokenAndNothingIsSent(string shape)
    {
        await using ScriptedServer server = new();
        Parent parent = new(TimeSpan.FromMinutes(1));
        parent.Cancel();

        OperationCanceledException failed = await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => StartAsync(server, shape, new RpcCallOptions { Parent = parent }).Within());

        Assert.Equal(parent.CancellationToken, failed.CancellationToken);
        Assert.Equal(0, server.Client.PendingCalls);
    }

    [Theory]
    [InlineData("unary")]
    [InlineData("call")]
    [InlineData("stream")]
    public async Task Call_ParentIsCancelledMeanwhile_IsCancelledAndTheServerIsTold(string shape)
    {
        await using ScriptedServer server = new();
        Parent parent = new(TimeSpan.FromMinutes(1));
        Task call = StartAsync(server, shape, new RpcCallOptions { Parent = parent });
        ClientFrame request = await server.ReceiveAsync(RpcFrameType.Request);

        parent.Cancel();

        OperationCanceledException failed = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.Within());
        Assert.Equal(parent.CancellationToken, failed.CancellationToken);
        Assert.Equal(request.CallId, (await server.ReceiveAsync(RpcFrameType.Cancel)).CallId);
    }

    [Fact]
    public async Task Call_ParentIsCancelledAsItsTimeEnds_HasRunOutOfTime()
    {
        await using ScriptedServer server = new();
        Parent parent = new(TimeSpan.FromMinutes(1));
        Task<StringValue> call = server.HelloAsync("a", new RpcCallOptions { Parent = parent });
        await server.ReceiveAsync(RpcFrameType.Request);

        parent.TimeLeft = TimeSpan.Zero; // by its caller's clock, which is a little ahead
        parent.Cancel();

        RpcException failed = await Assert.ThrowsAsync<RpcException>(() => call.Within());
        Assert.Equal(RpcStatusCode.DeadlineExceeded, failed.StatusCode);
    }

    [Fact]
    public async Task Calls_AfterTheirEnd_AreNotTouchedByTheirParent()
    {
        await using ScriptedServer server = new();
        for (int i = 0; i < 200; i++)
        {
            Parent parent = new(TimeSpan.FromMinutes(1));
            Task<StringValue> first = server.HelloAsync("first", new RpcCallOptions { Parent = parent });
            await server.SendAsync(ServerFrame.Response((await server.ReceiveAsync(RpcFrameType.Request)).CallId, "1"));
            await first.Within();
            Task<StringValue> second = server.HelloAsync("second"); // the same pooled object, as a rule
            uint id = (await server.ReceiveAsync(RpcFrameType.Request)).CallId;

            parent.Cancel();

            await server.SendAsync(ServerFrame.Response(id, "2"));
            Assert.Equal("2", (await second.Within()).Value);
        }
    }

    [Fact]
    public async Task Calls_TheirParentIsCancelledAtAnyMoment_EndAndLeaveNothing()
    {
        await using ScriptedServer server = new();
        Task serving = Task.Run(async () =>
        {
            HashSet<uint> answered = [];
            while (await server.TryReceiveAsync() is { } frame)
            {
                if (frame.Type == RpcFrameType.Request && answered.Add(frame.CallId))
                {
                    await server.SendAsync(ServerFrame.Response(frame.CallId, "b"));
                }
            }
        });
        await Task.WhenAll(Enumerable.Range(0, 4).Select(caller => Task.Run(async () =>
        {
            Random random = new(caller);
            for (int i = 0; i < 300; i++)
            {
                Parent parent = new(random.Next(2) == 0 ? null : TimeSpan.FromMinutes(1));
                Task<StringValue> call = server.HelloAsync("a", new RpcCallOptions { Parent = parent });
                Thread.SpinWait(random.Next(5000));
                bool isCancelled = random.Next(2) == 0;
                if (isCancelled)
                {
                    parent.Cancel();
                }

                try
                {
                    Assert.Equal("b", (await call.Within()).Value);
                }
                catch (OperationCanceledException)
                {
                    Assert.True(isCancelled);
                }
            }
        }))).Within();

        await TimeLimits.Until(() => server.Client.PendingCalls == 0 && server.Client.AbandonedCalls == 0);
        await server.Client.DisposeAsync().Within();
        await serving.Within();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Ambient_ParentOfTheRunningCode_CountsForConnectionsThatFollowIt(bool follows)
    {
        await using ScriptedServer server = new(new RpcConnectionOptions { FollowsAmbientCall = follows, TimeProvider = new ManualClock() });
        RpcParentCall.Current = new Parent(TimeSpan.FromSeconds(60));
        Task<StringValue> call = server.HelloAsync("a");
        Task<StringValue> named = server.HelloAsync("a", new RpcCallOptions { Parent = new Parent(TimeSpan.FromSeconds(90)) });
        RpcParentCall.Current = null;
        Task<StringValue> later = server.HelloAsync("a");

        Assert.Equal(Seconds(follows ? 60 : null), (await server.ReceiveAsync(RpcFrameType.Request)).Timeout);
        Assert.Equal(Seconds(90), (await server.ReceiveAsync(RpcFrameType.Request)).Timeout);
        Assert.Null((await server.ReceiveAsync(RpcFrameType.Request)).Timeout);
        await server.SendAsync(ServerFrame.Response(1, "b"), ServerFrame.Response(2, "b"), ServerFrame.Response(3, "b"));
        await Task.WhenAll(call, named, later).Within();
    }

    private static TimeSpan? Seconds(int? seconds) => seconds is { } count ? TimeSpan.FromSeconds(count) : null;

    private static async Task StartAsync(ScriptedServer server, string shape, RpcCallOptions options)
    {
        StringValue request = new() { Value = "a" };
        switch (shape)
        {
            case "unary":
                await server.Client.CallAsync(ScriptedServer.Hello, request, options);
                break;
            case "call":
                using (RpcUnaryCall<StringValue> call = server.Client.StartCall(ScriptedServer.Hello, request, options))
                {
                    await call.ReplyAsync;
                }

                break;
            case "stream":
                RpcMethod<StringValue, StringValue> watch = RpcMethod.Create<StringValue, StringValue>(RpcMethodShape.ServerStreaming, "stock", "Watch");
                using (RpcServerStreamingCall<StringValue> call = server.Client.StartServerStream(watch, request, options))
                {
                    await call.Replies.MoveNextAsync();
                }

                break;
            default:
                await server.Client.SendOneWayAsync(ScriptedServer.Hello, request, options);
                break;
        }
    }

    [System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "Has no timer, so it holds nothing.")]
    private sealed class Parent(TimeSpan? left) : IRpcParentCall
    {
        private readonly CancellationTokenSource _source = new();

        public TimeSpan? TimeLeft { get; set; } = left;

        public CancellationToken CancellationToken => _source.Token;

        public void Cancel() => _source.Cancel();
    }
}
