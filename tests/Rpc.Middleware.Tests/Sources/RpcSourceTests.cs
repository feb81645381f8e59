using Hello;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Invocation;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>The network as a source: pulled, served, merged, in an event loop.</summary>
public sealed class RpcSourceTests
{
    private static readonly IInvocationHandler<HelloRequest, HelloReply> Greeter =
        InvocationHandler.FromFunction((HelloRequest request) => new HelloReply { Msg = $"Hello {request.Msg}" });

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Receive_CallsOfTheNetwork_AreRepliedToInAnyOrderFromAnyThread(int version)
    {
        await using SourceServer server = await SourceServer.StartAsync(version: version);
        Task<HelloReply> first = server.CallAsync("first");
        Invocation<HelloRequest, HelloReply> one = await server.ReceiveAsync();
        Task<HelloReply> second = server.CallAsync("second");
        Invocation<HelloRequest, HelloReply> two = await server.ReceiveAsync();

        two.Reply(new HelloReply { Msg = $"2 {two.Argument.Msg}" });
        Assert.Equal("2 second", (await second.InTime()).Msg);
        Assert.False(first.IsCompleted);
        new Thread(() => one.Reply(new HelloReply { Msg = $"1 {one.Argument.Msg}" })).Start();

        Assert.Equal("1 first", (await first.InTime()).Msg);
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(2, true)]
    public async Task Server_OfTheSource_AnswersAndEndsWhenTheHostHasStopped(int version, bool continuesInline)
    {
        await using SourceServer server = await SourceServer.StartAsync(new RpcSourceOptions { ContinuesInline = continuesInline }, version);
        Task serving = new InvocationServer<HelloRequest, HelloReply>(server.Source, Greeter).RunAsync();

        HelloReply[] replies = await Task.WhenAll(Enumerable.Range(0, 500).Select(i => server.CallAsync($"{i}"))).InTime();

        Assert.Equal(Enumerable.Range(0, 500).Select(i => $"Hello {i}"), replies.Select(reply => reply.Msg));
        await server.Client.DisposeAsync();
        await server.Server.StopAsync();
        await serving.InTime();
        Assert.True(server.Source.IsCompleted);
    }

    [Fact]
    public async Task MergedSource_NetworkAndChannel_AreServedByOneHandler()
    {
        await using SourceServer server = await SourceServer.StartAsync();
        InvocationChannel<HelloRequest, HelloReply> inside = new();
        MergedSource<HelloRequest, HelloReply> merged = new();
        merged.Add(server.Source);
        merged.Add(inside.Source);
        Task serving = new InvocationServer<HelloRequest, HelloReply>(merged, Greeter).RunAsync();

        Task<HelloReply>[] calls =
        [
            .. Enumerable.Range(0, 200).Select(i => i % 2 == 0
                ? server.CallAsync($"{i}")
                : inside.Client.InvokeAsync(new HelloRequest { Msg = $"{i}" }).AsTask()),
        ];
        HelloReply[] replies = await Task.WhenAll(calls).InTime();

        Assert.Equal(Enumerable.Range(0, 200).Select(i => $"Hello {i}"), replies.Select(reply => reply.Msg));
        merged.Complete();
        inside.Source.Complete();
        server.Source.Complete();
        await serving.InTime();
    }

    [Fact]
    public async Task EventLoop_WithTheSource_IsWokenByCallsOfTheNetwork()
    {
        await using SourceServer server = await SourceServer.StartAsync();
        using EventFdSource<HelloRequest, HelloReply> ready = new(server.Source, Greeter);
        using InvocationLoop loop = new();
        loop.Add(ready);
        using CancellationTokenSource ending = new();
        Thread thread = new(() => loop.Run(ending.Token));
        thread.Start();

        for (int i = 0; i < 50; i++)
        {
            Assert.Equal($"Hello {i}", (await server.CallAsync($"{i}").InTime()).Msg);
        }

        await ending.CancelAsync();
        Assert.True(thread.Join(TimeLimits.Limit));
        Assert.NotEqual(0, ready.Signals);
    }

    [Fact]
    public async Task Pipeline_OfACallToASource_RunsBeforeItIsReceivedAndAfterItsReply()
    {
        List<string> steps = [];
        await using SourceServer server = await SourceServer.StartAsync(app: app => app.UseRpc(rpc => rpc
            .Use(async (call, next) =>
            {
                steps.Add($"middleware {call.Method}");
                await next(call);
                steps.Add($"reply {((HelloReply)call.Reply!).Msg}");
            })
            .AddRpcFilter((call, next) =>
            {
                steps.Add("filter");
                return next(call);
            })));
        Task<HelloReply> call = server.CallAsync("world");
        Invocation<HelloRequest, HelloReply> invocation = await server.ReceiveAsync();
        steps.Add("received");

        invocation.Reply(new HelloReply { Msg = "done" });
        await call.InTime();

        Assert.Equal(["middleware Hello", "filter", "received", "reply done"], steps);
    }

    [Fact]
    public async Task Method_OfASource_TakesFiltersAndNames()
    {
        RpcMethodSource<HelloRequest, HelloReply>? source = null;
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app =>
            {
                source = app.MapRpcGroup("shop").MapRpcSource<HelloRequest, HelloReply>("Orders/Place");
                source.Method.AddRpcFilter((call, next) =>
                    ((HelloRequest)call.Request).Msg.Length > 0 ? next(call) : throw new RpcException(RpcStatusCode.InvalidArgument, "empty"));
                source.Method.WithWireName(Golden.Name);
            },
        });
        Task serving = new InvocationServer<HelloRequest, HelloReply>(source!, Greeter).RunAsync();
        await using RpcConnection client = await RpcConnection.ConnectAsync(server.EndPoint).InTime();

        Assert.Equal("Hello a", (await client.CallAsync(SourceServer.Hello, new HelloRequest { Msg = "a" }).InTime()).Msg);
        Assert.Equal("Hello b", (await client.CallAsync<HelloRequest, HelloReply>("shop.Orders", "Place", new HelloRequest { Msg = "b" }).InTime()).Msg);
        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => client.CallAsync(SourceServer.Hello, new HelloRequest()).InTime());
        Assert.Equal(RpcStatusCode.InvalidArgument, refused.StatusCode);
        source!.Dispose();
        await serving.InTime();
    }
}
