using Hello;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Time limits that the server sets for its methods.</summary>
public sealed class WithDeadlineTests
{
    private static readonly RpcMethod<HelloRequest, HelloReply> Hello = RpcMethod.Unary<HelloRequest, HelloReply>("helloworld", "Hello");

    private readonly ManualTime _time = new();
    private readonly TaskCompletionSource<TimeSpan?> _left = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task WithDeadline_CallerSetsNone_CancelsTheHandlerThen(int version)
    {
        await using TestServer server = await StartAsync(method => method.WithDeadline(TimeSpan.FromSeconds(5)));
        await using RpcConnection client = await ConnectAsync(server, version);

        Task<HelloReply> call = client.CallAsync(Hello, new HelloRequest()).AsTask();
        Assert.Equal(TimeSpan.FromSeconds(5), await _left.Task.InTime());
        _time.Advance(TimeSpan.FromSeconds(5));

        RpcException failed = await Assert.ThrowsAsync<RpcException>(() => call.InTime());
        Assert.Equal(RpcStatusCode.DeadlineExceeded, failed.StatusCode);
    }

    [Theory]
    [InlineData(60, 5)]
    [InlineData(2, 2)]
    public async Task WithDeadline_CallerSetsOne_TheEarlierCounts(int given, int counts)
    {
        await using TestServer server = await StartAsync(method => method.WithDeadline(TimeSpan.FromSeconds(5)));
        await using RpcConnection client = await ConnectAsync(server, 2);
        using CancellationTokenSource giveUp = new();

        Task<HelloReply> call = client.CallAsync(
            Hello, new HelloRequest(), new RpcCallOptions { Timeout = TimeSpan.FromSeconds(given), CancellationToken = giveUp.Token }).AsTask();

        TimeSpan left = (await _left.Task.InTime())!.Value;
        Assert.InRange(left, TimeSpan.FromSeconds(counts) - TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(counts));
        await giveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.InTime());
    }

    [Theory]
    [InlineData(null)]
    [InlineData(60)]
    public async Task WithDeadline_StreamOfRequests_EndsAHandlerThatWaitsForThem(int? given)
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Services = services => services.AddSingleton<TimeProvider>(_time),
            App = app => app.MapRpcClientStream<HelloRequest, HelloReply>("test/All", async (requests, context) =>
            {
                _left.SetResult(context.TimeLeft);
                await requests.MoveNextAsync();
                return new HelloReply();
            }).WithDeadline(TimeSpan.FromSeconds(5)),
        });
        await using RpcConnection client = await ConnectAsync(server, 2);
        RpcCallOptions options = new() { Timeout = given is { } seconds ? TimeSpan.FromSeconds(seconds) : null };
        using RpcClientStreamingCall<HelloRequest, HelloReply> call = client.StartClientStream(
            RpcMethod.Create<HelloRequest, HelloReply>(RpcMethodShape.ClientStreaming, "test", "All"), options);

        Assert.Equal(TimeSpan.FromSeconds(5), await _left.Task.InTime());
        _time.Advance(TimeSpan.FromSeconds(5));

        RpcException failed = await Assert.ThrowsAsync<RpcException>(() => call.ReplyAsync.InTime());
        Assert.Equal(RpcStatusCode.DeadlineExceeded, failed.StatusCode);
    }

    [Fact]
    public async Task WithDeadline_OnGroupAndMethod_TheInnermostCounts()
    {
        await using TestServer server = await StartAsync(
            method => method.WithDeadline(TimeSpan.FromSeconds(7)), group => group.WithDeadline(TimeSpan.FromSeconds(3)));
        await using RpcConnection client = await ConnectAsync(server, 1);
        using CancellationTokenSource giveUp = new();

        Task<HelloReply> call = client.CallAsync(Hello, new HelloRequest(), new RpcCallOptions { CancellationToken = giveUp.Token }).AsTask();

        Assert.Equal(TimeSpan.FromSeconds(7), await _left.Task.InTime());
        await giveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.InTime());
    }

    [Fact]
    public async Task WithDeadline_NextCallOnTheConnection_HasItsOwn()
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Services = services => services.AddSingleton<TimeProvider>(_time),
            App = app =>
            {
                app.MapRpc<HelloRequest, HelloReply>("test/Limited", Answer).WithDeadline(TimeSpan.FromSeconds(5));
                app.MapRpc<HelloRequest, HelloReply>("test/Free", Answer);
            },
        });
        await using RpcConnection client = await ConnectAsync(server, 1);

        for (int i = 0; i < 3; i++)
        {
            Assert.Equal("00:00:05 False", await CallAsync("Limited"));
            _time.Advance(TimeSpan.FromSeconds(4)); // the timers of calls that have ended fire for nobody
            Assert.Equal(" False", await CallAsync("Free"));
        }

        async Task<string> CallAsync(string method) =>
            (await client.CallAsync<HelloRequest, HelloReply>("test", method, new HelloRequest()).AsTask().InTime()).Msg;

        static ValueTask<HelloReply> Answer(HelloRequest request, RpcContext context) =>
            new(new HelloReply { Msg = $"{context.TimeLeft} {context.CancellationToken.IsCancellationRequested}" });
    }

    [Fact]
    public void WithDeadline_Zero_IsRefused() => Assert.Throws<ArgumentOutOfRangeException>(() =>
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddRpc();
        builder.Build().MapHello().WithDeadline(TimeSpan.Zero);
    });

    private Task<TestServer> StartAsync(Action<RpcEndpointConventionBuilder> method, Action<RpcGroupBuilder>? group = null) =>
        TestServer.StartAsync(new TestServerSetup
        {
            Services = services => services.AddSingleton<TimeProvider>(_time),
            App = app =>
            {
                RpcGroupBuilder outer = app.MapRpcGroup("");
                group?.Invoke(outer);
                method(outer.MapRpc<HelloRequest, HelloReply>("helloworld/Hello", async (request, context) =>
                {
                    CancellationToken token = context.CancellationToken; // whose timer runs before the test goes on
                    _left.SetResult(context.TimeLeft);
                    await Task.Delay(Timeout.Infinite, token);
                    return new HelloReply();
                }));
            },
        });

    private static Task<RpcConnection> ConnectAsync(TestServer server, int version) =>
        RpcConnection.ConnectAsync(server.EndPoint, new RpcConnectionOptions { ProtocolVersion = version }).InTime();
}
