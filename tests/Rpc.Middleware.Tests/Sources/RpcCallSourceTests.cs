using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Hello;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Invocation;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>The calls of many methods as one source of whole calls.</summary>
public sealed class RpcCallSourceTests
{
    private static readonly RpcMethod<StringValue, Int32Value> Find = RpcMethod.Unary<StringValue, Int32Value>("shop.Stock", "Find");
    private static readonly RpcMethod<Int32Value, StringValue> Place = RpcMethod.Unary<Int32Value, StringValue>("shop.Orders", "Place");

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Receive_CallsOfManyMethods_AreToldApartByName(int version)
    {
        await using Shop shop = await Shop.StartAsync(version);
        Task<Int32Value> found = shop.Client.CallAsync(Find, new StringValue { Value = "apples" }).AsTask();
        Task<StringValue> placed = shop.Client.CallAsync(Place, new Int32Value { Value = 7 }).AsTask();

        for (int i = 0; i < 2; i++)
        {
            Invocation<RpcContext, IMessage> invocation = await shop.Calls.ReceiveAsync().InTime();
            RpcContext call = invocation.Argument;
            invocation.Reply(call.Method == "Find"
                ? new Int32Value { Value = ((StringValue)call.Request).Value.Length }
                : new StringValue { Value = $"{call.Service} {((Int32Value)call.Request).Value}" });
        }

        Assert.Equal(6, (await found.InTime()).Value);
        Assert.Equal("shop.Orders 7", (await placed.InTime()).Value);
    }

    [Fact]
    public async Task Context_OfACallThatWasGivenUp_NeverBecomesAnotherCall()
    {
        await using Shop shop = await Shop.StartAsync(2);
        List<(RpcContext Context, string Text)> kept = [];
        await using (RpcConnection gone = await shop.ConnectAsync(2))
        {
            using CancellationTokenSource cancellation = new();
            Task[] calls =
            [
                .. Enumerable.Range(0, 30).Select(i =>
                    gone.CallAsync(Find, new StringValue { Value = $"kept {i}" }, new() { CancellationToken = cancellation.Token }).AsTask()),
            ];
            for (int i = 0; i < 30; i++)
            {
                Invocation<RpcContext, IMessage> received = await shop.Calls.ReceiveAsync().InTime();
                kept.Add((received.Argument, ((StringValue)received.Argument.Request).Value));
            }

            await cancellation.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Task.WhenAll(calls).InTime());
            _ = await shop.Server.Logs.WaitForAsync(33, count: 30); // their calls have ended on the server, too
            Task serving = AnswerAsync(shop.Calls, 200);
            await Task.WhenAll(Enumerable.Range(0, 200).Select(i => gone.CallAsync(Find, new StringValue { Value = $"{i}" }).AsTask())).InTime();
            await serving.InTime();
        }

        Assert.All(kept, call => Assert.Equal(call.Text, ((StringValue)call.Context.Request).Value));
    }

    [Fact]
    public async Task Contexts_OfAnsweredCalls_AreUsedAgain()
    {
        await using Shop shop = await Shop.StartAsync(2);
        HashSet<object> contexts = new(ReferenceEqualityComparer.Instance);
        for (int i = 0; i < 300; i++)
        {
            Task<Int32Value> call = shop.Client.CallAsync(Find, new StringValue()).AsTask();
            Invocation<RpcContext, IMessage> invocation = await shop.Calls.ReceiveAsync().InTime();
            contexts.Add(invocation.Argument);
            invocation.Reply(new Int32Value());
            await call.InTime();
        }

        Assert.InRange(contexts.Count, 1, 100);
    }

    [Fact]
    public void MapRpc_NameWithoutSlash_IsRefused()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        Microsoft.Extensions.DependencyInjection.RpcServiceCollectionExtensions.AddRpc(builder.Services);
        using WebApplication app = builder.Build();
        using RpcCallSource calls = app.MapRpcSource();

        Assert.Throws<ArgumentException>("name", () => calls.MapRpc<StringValue>("Find"));
        Assert.Throws<ArgumentException>("name", () => app.MapRpcSource<StringValue, StringValue>("Find"));
        Assert.Throws<ArgumentOutOfRangeException>(() => app.MapRpcSource(new RpcSourceOptions { Capacity = 0 }));
    }

    private static async Task AnswerAsync(RpcCallSource calls, int count)
    {
        for (int i = 0; i < count; i++)
        {
            (await calls.ReceiveAsync().InTime()).Reply(new Int32Value());
        }
    }

    private sealed record Shop(TestServer Server, RpcCallSource Calls, RpcConnection Client) : IAsyncDisposable
    {
        public static async Task<Shop> StartAsync(int version)
        {
            RpcCallSource? calls = null;
            TestServer server = await TestServer.StartAsync(new TestServerSetup
            {
                App = app =>
                {
                    calls = app.MapRpcGroup("shop").MapRpcSource();
                    calls.MapRpc<StringValue>("Stock/Find");
                    calls.MapRpc<Int32Value>("Orders/Place");
                },
            });
            return new Shop(server, calls!, await ConnectAsync(server, version));
        }

        public Task<RpcConnection> ConnectAsync(int version) => ConnectAsync(Server, version);

        public async ValueTask DisposeAsync()
        {
            await Client.DisposeAsync();
            Calls.Dispose();
            await Server.DisposeAsync();
        }

        private static Task<RpcConnection> ConnectAsync(TestServer server, int version) =>
            RpcConnection.ConnectAsync(server.EndPoint, new RpcConnectionOptions { ProtocolVersion = version }).InTime();
    }
}
