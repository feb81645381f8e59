using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Hello;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Our client against our server in version 2: what version 1 cannot say.</summary>
public sealed class OwnClientVersion2Tests
{
    private static readonly RpcMethod<HelloRequest, HelloReply> Hello =
        RpcMethod.Unary<HelloRequest, HelloReply>("helloworld", "Hello");

    private static readonly RpcMethod<BytesValue, BytesValue> Echo = RpcMethod.Unary<BytesValue, BytesValue>("test", "Echo");

    [Fact]
    public async Task Call_MetadataAndTrailers_GoBothWays()
    {
        await using TestServer server = await TestServer.StartAsync(Serving((request, context) =>
        {
            context.ReplyMetadata.Add("region", context.RequestMetadata.GetValue("where")!);
            context.ReplyTrailers.Add("cost", "5");
            return Task.FromResult(new HelloReply { Msg = $"{context.ProtocolVersion}" });
        }));
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();
        RpcCallOptions options = new() { Metadata = new RpcMetadata { { "where", "east" } } };
        using RpcUnaryCall<HelloReply> call = connection.StartCall(Hello, new HelloRequest(), options);

        Assert.Equal("2", (await call.ReplyAsync.InTime()).Msg);
        Assert.Equal("east", (await call.HeadersAsync.InTime()).GetValue("region"));
        Assert.Equal("5", call.Trailers.GetValue("cost"));
    }

    [Fact]
    public async Task Call_Fails_HasStatusDetailsAndTrailers()
    {
        await using TestServer server = await TestServer.StartAsync(Serving((request, context) =>
            throw new RpcException(new RpcStatus(RpcStatusCode.NotFound, "none", new byte[] { 7 }), new RpcMetadata { { "hint", "later" } })));
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();

        RpcException failed = await Assert.ThrowsAsync<RpcException>(() => connection.CallAsync(Hello, new HelloRequest()).AsTask().InTime());

        Assert.Equal(new RpcStatus(RpcStatusCode.NotFound, "none", new byte[] { 7 }), failed.Status);
        Assert.Equal("later", failed.Trailers.GetValue("hint"));
        Assert.False(failed.IsNotProcessed);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Call_GivenUp_CancelsTheHandlersToken(bool byDeadline)
    {
        TaskCompletionSource<bool> started = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource cancelled = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestServer server = await TestServer.StartAsync(Serving(async (request, context) =>
        {
            started.TrySetResult(context.TimeLeft is not null);
            using CancellationTokenRegistration registration = context.CancellationToken.Register(() => cancelled.TrySetResult());
            await cancelled.Task;
            throw new OperationCanceledException(context.CancellationToken);
        }));
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();
        using CancellationTokenSource source = new();
        RpcCallOptions options = byDeadline
            ? new RpcCallOptions { Timeout = TimeSpan.FromMilliseconds(200) }
            : new RpcCallOptions { CancellationToken = source.Token };
        Task<HelloReply> call = connection.CallAsync(Hello, new HelloRequest(), options).AsTask();
        Assert.Equal(byDeadline, await started.Task.InTime());
        await source.CancelAsync();

        Exception failed = await Assert.ThrowsAnyAsync<Exception>(() => call.InTime());

        Assert.True(byDeadline ? failed is RpcException { StatusCode: RpcStatusCode.DeadlineExceeded } : failed is OperationCanceledException);
        await cancelled.Task.InTime();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(65_000)]
    [InlineData(65_536)]
    [InlineData(70_000)]
    [InlineData(4_000_000)]
    public async Task Call_LongMessages_AreCutAndPutTogetherBothWays(int length)
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup { App = app => app.MapRpc("test/Echo", (BytesValue value) => value) });
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();
        byte[] bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        BytesValue request = new() { Value = ByteString.CopyFrom(bytes) };

        BytesValue[] replies = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => connection.CallAsync(Echo, request).AsTask())).InTime();

        Assert.All(replies, reply => Assert.Equal(request, reply));
    }

    [Fact]
    public async Task OneWay_IsHandledAndNotAnswered()
    {
        TaskCompletionSource<string> handled = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestServer server = await TestServer.StartAsync(Serving((request, context) =>
        {
            handled.TrySetResult($"{request.Msg} {context.IsOneWay}");
            return Task.FromResult(new HelloReply());
        }));
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();

        await connection.SendOneWayAsync(Hello, new HelloRequest { Msg = "note" }).InTime();

        Assert.Equal("note True", await handled.Task.InTime());
    }

    [Fact]
    public async Task Calls_MoreThanTheServerTakesAtOnce_WaitAndAllEnd()
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options => options.Limits.MaxConcurrentCallsPerConnection = 3,
        });
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();
        await connection.CallAsync(Hello, new HelloRequest()).AsTask().InTime(); // so the server's settings have come

        HelloReply[] replies = await Task.WhenAll(
            Enumerable.Range(0, 2000).Select(i => connection.CallAsync(Hello, new HelloRequest { Msg = $"{i}" }).AsTask())).InTime();

        Assert.Equal(Enumerable.Range(0, 2000).Select(i => $"Hello {i}"), replies.Select(reply => reply.Msg));
    }

    private static TestServerSetup Serving(Func<HelloRequest, RpcContext, Task<HelloReply>> handler) =>
        new() { App = app => app.MapRpc(Golden.Name, (HelloRequest request, RpcContext context) => handler(request, context)) };
}
