using System.Net;
using System.Threading.RateLimiting;
using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>A call over HTTP goes the way of every call: middleware, filters, limits, deadline, stop.</summary>
public sealed class HttpPipelineTests
{
    [Fact]
    public async Task Call_PassesMiddlewareAndFiltersInTheirOrder()
    {
        List<string> passed = [];
        await using HttpPeer peer = await HttpPeer.StartAsync(app =>
        {
            app.UseRpc(rpc => rpc.Use(Note("middleware")).AddRpcFilter(Note("server filter")).WithHttp());
            app.MapRpcGroup("helloworld").AddRpcFilter(Note("group filter")).MapRpc("Hello", (HelloRequest _, HttpScoped scoped) => scoped.Reply())
                .AddRpcFilter(Note("method filter"));
        },
        services => services.AddScoped<HttpScoped>());

        HttpAnswer answer = await peer.PostAsync(HttpPeer.Hello, "{}");

        Assert.Equal("""{ "msg": "scoped" }""", answer.Text);
        Assert.Equal(["middleware", "server filter", "group filter", "method filter"], passed);

        Func<RpcContext, RpcDelegate, ValueTask> Note(string name) => async (context, next) =>
        {
            passed.Add(name);
            await next(context);
        };
    }

    [Fact]
    public async Task Context_OfAnHttpCall_SaysWhatItIs()
    {
        string seen = "";
        await using HttpPeer peer = await HttpPeer.StartAsync(app => app.MapRpc(Golden.Name, (HelloRequest request, RpcContext context) =>
        {
            seen = $"{context.Protocol} {context.ProtocolVersion} {context.SequenceId} {context.Name} {context.Shape} {context.IsOneWay} {context.TimeLeft} "
                + $"{((HelloRequest)context.Request).Msg} {context.RequestAttachment.Length} {context.GetHttpContext()?.Request.Path} "
                + $"{context.RemoteEndPoint is IPEndPoint} {context.LocalEndPoint?.Equals(context.Connection.LocalEndPoint)} {context.Endpoint.Name}";
            return new HelloReply();
        }).WithHttp());

        await peer.PostAsync(HttpPeer.Hello, """{"msg":"a"}""");

        Assert.Equal("http 0 0 helloworld/Hello Unary False  a 0 /helloworld/Hello True True helloworld/Hello", seen);
    }

    [Fact]
    public async Task Metadata_GoesBothWaysInHeaders()
    {
        string seen = "";
        await using HttpPeer peer = await HttpPeer.StartAsync(app => app.MapRpc(Golden.Name, (HelloRequest _, RpcContext context) =>
        {
            seen = string.Join(';', context.RequestMetadata.Where(entry => entry.Key is not "traceparent").Select(
                entry => entry.IsBinary ? $"{entry.Key}={Convert.ToHexString(entry.ValueBytes.Span)}" : $"{entry.Key}={entry.Value}"));
            context.ReplyMetadata.Add("x-text", "a b%");
            context.ReplyMetadata.Add("x-text", "ü%");
            context.ReplyMetadata.Add("x-bin", [255, 0]);
            context.ReplyMetadata.Add("content-length", "3");
            context.ReplyMetadata.Add("set-cookie", "a=b");
            context.ReplyTrailers.Add("cost", "5");
            return new HelloReply();
        }).WithHttp());

        HttpAnswer answer = await peer.PostAsync(
            HttpPeer.Hello, "{}", ("X-One", "1"), ("x-one", "2"), ("data-bin", "AQI"), ("Cookie", "a=b"), ("Accept-Language", "en"), ("x~y", "no key"), ("authorization", "me"));

        Assert.Equal(["authorization=me", "data-bin=0102", "x-one=1, 2"], seen.Split(';').Order());
        Assert.Equal("a b%, %C3%BC%25", answer.Header("x-text"));
        Assert.Equal("/wA=", answer.Header("x-bin"));
        Assert.Equal("5", answer.Header("rpc-trailer-cost"));
        Assert.Null(answer.Header("set-cookie"));
        Assert.Equal("{ }", answer.Text);
    }

    [Theory]
    [InlineData("data-bin", "*")]
    [InlineData("grpc-timeout", "1")]
    [InlineData("grpc-timeout", "S")]
    [InlineData("grpc-timeout", "123456789S")]
    [InlineData("grpc-timeout", "-1S")]
    [InlineData("grpc-timeout", "1s")]
    public async Task Header_ThatCannotBeRead_Is400(string name, string value)
    {
        await using HttpPeer peer = await HttpPeer.StartAsync(app => app.MapHello().WithHttp());

        HttpAnswer answer = await peer.PostAsync(HttpPeer.Hello, "{}", (name, value));

        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Contains(name, answer.Problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("2H", 7200)]
    [InlineData("3M", 180)]
    [InlineData("99999999S", 99999999)]
    [InlineData("5000m", 5)]
    [InlineData("6000000u", 6)]
    public async Task Timeout_IsTheTimeThatIsLeft(string timeout, double seconds)
    {
        TimeSpan? left = null;
        await using HttpPeer peer = await HttpPeer.StartAsync(
            app => app.MapRpc(Golden.Name, (HelloRequest _, RpcContext context) =>
            {
                left = context.TimeLeft;
                return new HelloReply();
            }).WithHttp(),
            services => services.AddSingleton<TimeProvider>(new ManualTime()));

        await peer.PostAsync(HttpPeer.Hello, "{}", ("grpc-timeout", timeout));

        Assert.Equal(TimeSpan.FromSeconds(seconds), left);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("1H")]
    public async Task WithDeadline_Passes_HandlerIsCancelledWhateverTheCallerSays(string? timeout)
    {
        ManualTime time = new();
        Gate gate = new();
        await using HttpPeer peer = await HttpPeer.StartAsync(
            app => app.MapRpc(Golden.Name, gate.HandleAsync).WithDeadline(TimeSpan.FromSeconds(3)).WithHttp(),
            services => services.AddSingleton<TimeProvider>(time));

        Task<HttpAnswer> call = peer.PostAsync(HttpPeer.Hello, "{}", timeout is null ? [] : [("grpc-timeout", timeout)]);
        await gate.WaitForStartedAsync(1);
        time.Advance(TimeSpan.FromSeconds(3));

        Assert.Equal(HttpStatusCode.GatewayTimeout, (await call.InTime()).Status);
    }

    [Fact]
    public async Task Timeout_Passes_HandlerIsCancelledAndTheAnswerIs504()
    {
        ManualTime time = new();
        Gate gate = new();
        await using HttpPeer peer = await HttpPeer.StartAsync(
            app => app.MapRpc(Golden.Name, gate.HandleAsync).WithHttp(), services => services.AddSingleton<TimeProvider>(time));

        Task<HttpAnswer> call = peer.PostAsync(HttpPeer.Hello, "{}", ("grpc-timeout", "2S"));
        await gate.WaitForStartedAsync(1);
        time.Advance(TimeSpan.FromSeconds(2));
        HttpAnswer answer = await call.InTime();

        Assert.Equal(HttpStatusCode.GatewayTimeout, answer.Status);
        Assert.Equal("DEADLINE_EXCEEDED", answer.Code);
        Assert.Equal(1, gate.Cancelled);
    }

    [Fact]
    public async Task Timeout_Zero_IsRefusedAndTheHandlerNeverRuns()
    {
        Gate gate = new();
        await using HttpPeer peer = await HttpPeer.StartAsync(app => app.MapRpc(Golden.Name, gate.HandleAsync).WithHttp());

        HttpAnswer answer = await peer.PostAsync(HttpPeer.Hello, "{}", ("grpc-timeout", "0S"));

        Assert.Equal(HttpStatusCode.GatewayTimeout, answer.Status);
        Assert.Equal(0, gate.Started);
    }

    [Fact]
    public async Task Caller_Goes_HandlerIsCancelled()
    {
        TaskCompletionSource<bool> isCancelled = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource isStarted = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using HttpPeer peer = await HttpPeer.StartAsync(app => app.MapRpc(Golden.Name, async (HelloRequest _, CancellationToken cancellation) =>
        {
            cancellation.Register(() => isCancelled.SetResult(true));
            isStarted.SetResult();
            await isCancelled.Task;
            return new HelloReply();
        }).WithHttp());
        using CancellationTokenSource caller = new();

        Task<HttpResponseMessage> call = peer.StartAsync(HttpPeer.Hello, "{}", caller.Token);
        await isStarted.Task.InTime();
        await caller.CancelAsync();

        Assert.True(await isCancelled.Task.InTime());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.InTime());
    }

    [Theory]
    [InlineData(RpcLimitPolicy.Reject)]
    [InlineData(RpcLimitPolicy.RunInPlace)]
    public async Task Concurrency_AtTheLimit_CallIsRefused(RpcLimitPolicy policy)
    {
        Gate gate = new();
        await using HttpPeer peer = await HttpPeer.StartAsync(app => app.MapRpc(Golden.Name, gate.HandleAsync).WithHttp()
            .RequireConcurrency(1, policy));

        Task<HttpAnswer> first = peer.PostAsync(HttpPeer.Hello, "{}");
        await gate.WaitForStartedAsync(1);
        HttpAnswer second = await peer.PostAsync(HttpPeer.Hello, "{}");
        gate.Open();

        Assert.Equal((HttpStatusCode.TooManyRequests, "RESOURCE_EXHAUSTED"), (second.Status, second.Code));
        Assert.Equal(HttpStatusCode.OK, (await first.InTime()).Status);
        Assert.Equal(HttpStatusCode.OK, (await peer.PostAsync(HttpPeer.Hello, "{}")).Status);
    }

    [Fact]
    public async Task Concurrency_CallsWait_OneAfterTheOther()
    {
        Gate gate = new();
        await using HttpPeer peer = await HttpPeer.StartAsync(
            app => app.MapRpc(Golden.Name, gate.HandleAsync).WithHttp()
                .RequireConcurrency(2, RpcLimitPolicy.Wait),
            rpc: options =>
            {
                options.Limits.Calls.MaxConcurrentCalls = 1;
                options.Limits.Calls.AtLimit = RpcLimitPolicy.Wait;
            });

        Task<HttpAnswer>[] calls = [.. Enumerable.Range(0, 5).Select(_ => peer.PostAsync(HttpPeer.Hello, "{}"))];
        await gate.WaitForStartedAsync(1);
        gate.Open();

        Assert.All(await Task.WhenAll(calls).InTime(), answer => Assert.Equal(HttpStatusCode.OK, answer.Status));
        Assert.Equal(1, gate.MostAtOnce);
    }

    [Fact]
    public async Task RateLimiter_ThatLooksAtTheRequest_Holds()
    {
        await using PartitionedRateLimiter<RpcContext> limiter = PartitionedRateLimiter.Create<RpcContext, string>(
            context => RateLimitPartition.GetTokenBucketLimiter(((HelloRequest)context.Request).Msg, _ => new TokenBucketRateLimiterOptions
            {
                TokenLimit = 1, TokensPerPeriod = 1, ReplenishmentPeriod = TimeSpan.FromHours(1), AutoReplenishment = false,
            }));
        await using HttpPeer peer = await HttpPeer.StartAsync(app => app.MapHello().WithHttp().RequireRateLimiter(limiter));

        Assert.Equal(HttpStatusCode.OK, (await peer.PostAsync(HttpPeer.Hello, """{"msg":"a"}""")).Status);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await peer.PostAsync(HttpPeer.Hello, """{"msg":"a"}""")).Status);
        Assert.Equal(HttpStatusCode.OK, (await peer.PostAsync(HttpPeer.Hello, """{"msg":"b"}""")).Status);
    }

    [Fact]
    public async Task Method_WithDedicatedThreads_RunsOnOne()
    {
        string? thread = null;
        await using HttpPeer peer = await HttpPeer.StartAsync(app => app.MapRpc(Golden.Name, (HelloRequest _) =>
        {
            thread = Thread.CurrentThread.Name;
            return new HelloReply();
        }).WithScheduling(RpcScheduling.Dedicated).WithHttp());

        Assert.Equal(HttpStatusCode.OK, (await peer.PostAsync(HttpPeer.Hello, "{}")).Status);
        Assert.StartsWith("RPC dedicated", thread, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Host_Stops_RunningCallEnds()
    {
        TaskCompletionSource isStarted = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using HttpPeer peer = await HttpPeer.StartAsync(app => app.MapRpc(Golden.Name, async (HelloRequest _, RpcContext context) =>
        {
            isStarted.SetResult();
            TaskCompletionSource stopping = new(TaskCreationOptions.RunContinuationsAsynchronously);
            await using CancellationTokenRegistration registration = context.ServerStopping.Register(stopping.SetResult);
            await stopping.Task;
            return new HelloReply { Msg = "to its end" };
        }).WithHttp());

        Task<HttpAnswer> call = peer.PostAsync(HttpPeer.Hello, "{}");
        await isStarted.Task.InTime();
        await peer.Server.StopAsync();

        Assert.Equal("""{ "msg": "to its end" }""", (await call.InTime()).Text);
    }

    [Fact]
    public async Task Host_StopsAndTheTimeForCallsIsOver_CallIsCancelled()
    {
        Gate gate = new();
        await using HttpPeer peer = await HttpPeer.StartAsync(
            app => app.MapRpc(Golden.Name, gate.HandleAsync).WithHttp(), rpc: options => options.Drain.Timeout = TimeSpan.FromMilliseconds(50));

        Task<HttpAnswer> call = peer.PostAsync(HttpPeer.Hello, "{}");
        await gate.WaitForStartedAsync(1);
        await peer.Server.StopAsync();

        HttpAnswer answer = await call.InTime();
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "UNAVAILABLE"), (answer.Status, answer.Code));
    }

    [Fact]
    public async Task Context_AfterTheCall_HasNoRequestAnyMore()
    {
        TaskCompletionSource<RpcContext> kept = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using HttpPeer peer = await HttpPeer.StartAsync(app => app.MapRpc(Golden.Name, (HelloRequest _, RpcContext context) =>
        {
            kept.SetResult(context);
            return new HelloReply();
        }).WithHttp());

        await peer.PostAsync(HttpPeer.Hello, "{}");
        await peer.PostAsync("/none", "{}"); // the first one has ended on the server, too

        RpcContext context = await kept.Task.InTime();
        Assert.Throws<ObjectDisposedException>(() => context.GetHttpContext());
    }

    private sealed class HttpScoped
    {
        private readonly string _text = "scoped";

        public HelloReply Reply() => new() { Msg = _text };
    }
}
