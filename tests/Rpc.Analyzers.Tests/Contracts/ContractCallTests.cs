using Google.Protobuf.WellKnownTypes;
using Hello;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Analyzers.Tests;

/// <summary>A contract's service, called by the contract's client: everything between is generated.</summary>
public sealed class ContractCallTests
{
    private readonly ShopLog _log = new();

    [Fact]
    public async Task Unary_InEveryForm_GetsItsReply()
    {
        await using InProcessServer server = await StartAsync();
        ShopClient shop = new(server.Connection);

        Assert.Equal("found pen ", (await shop.FindAsync(new HelloRequest { Msg = "pen" }).InTime()).Msg);
        Assert.Equal("slowly pen ", (await shop.FindSlowly(new HelloRequest { Msg = "pen" }).InTime()).Msg);
        await shop.SaveAsync(new HelloRequest { Msg = "ink" }, CancellationToken.None).InTime();
        await shop.ForgetAsync(CancellationToken.None, new HelloRequest { Msg = "ink" }).InTime();
        Assert.Equal(["ink", "no ink"], _log.Saved);
    }

    [Fact]
    public async Task OneWay_IsSent_ReachesTheService()
    {
        await using InProcessServer server = await StartAsync();

        await new ShopClient(server.Connection).NotifyAsync(new HelloRequest { Msg = "news" }).InTime();

        Assert.Equal("news", await _log.Notified.Task.InTime());
    }

    [Fact]
    public async Task Names_OfContract_AreThoseOnTheWire()
    {
        await using InProcessServer server = await StartAsync();
        foreach (string name in (string[])["test.Shop/Store", "old.Shop/Put"])
        {
            RpcMethodName parsed = RpcMethodName.Parse(name);
            await server.Connection.CallAsync(RpcMethod.Unary<HelloRequest, Empty>(parsed.Service, parsed.Method), new HelloRequest { Msg = name }).InTime();
        }

        Assert.Equal(["test.Shop/Store", "old.Shop/Put"], _log.Saved);
    }

    [Fact]
    public async Task ServerStream_IsRead_ComesInOrder()
    {
        await using InProcessServer server = await StartAsync();
        List<string> seen = [];
        await foreach (StringValue value in new ShopClient(server.Connection).CountAsync(new Int32Value { Value = 300 }))
        {
            seen.Add(value.Value);
        }

        Assert.Equal(300, seen.Count);
        Assert.Equal("300", seen[^1]);
    }

    [Fact]
    public async Task ServerStream_LeftEarly_EndsTheService()
    {
        await using InProcessServer server = await StartAsync();
        await foreach (StringValue value in new ShopClient(server.Connection).CountAsync(new Int32Value { Value = int.MaxValue }))
        {
            Assert.Equal("1", value.Value);
            break;
        }

        await _log.CountEnded.Task.InTime();
    }

    [Fact]
    public async Task ClientStream_IsSent_IsReadToItsEnd()
    {
        await using InProcessServer server = await StartAsync();
        ShopClient shop = new(server.Connection);

        Assert.Equal(5050, (await shop.SumAsync(Numbers(1, 100)).InTime()).Value);
        await shop.DrainAsync(Numbers(1, 3)).InTime();
        Assert.Equal(["1", "2", "3"], _log.Saved);
    }

    [Fact]
    public async Task Duplex_AnswersWhileRequestsCome()
    {
        await using InProcessServer server = await StartAsync();
        List<int> seen = [];
        await foreach (Int32Value value in new ShopClient(server.Connection).DoubleAsync(Numbers(1, 200)))
        {
            seen.Add(value.Value);
        }

        Assert.Equal(Enumerable.Range(1, 200).Select(item => item * 2), seen);
    }

    [Fact]
    public async Task Token_OfTheCaller_ReachesTheService()
    {
        await using InProcessServer server = await StartAsync();
        ShopClient shop = new(server.Connection);
        using CancellationTokenSource source = new();

        Task<HelloReply> call = shop.FindAsync(new HelloRequest { Msg = "wait" }, source.Token).AsTask();
        await _log.Waits.Task.InTime();
        await source.CancelAsync().InTime();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.InTime());
        Assert.True(await _log.Cancelled.Task.InTime());
    }

    [Fact]
    public async Task Deadline_OfTheCaller_ReachesTheService()
    {
        await using InProcessServer server = await StartAsync();
        ShopClient shop = new(server.Connection);

        RpcException failure = await Assert.ThrowsAsync<RpcException>(() => shop.FindAsync(
            new HelloRequest { Msg = "wait" }, new RpcCallOptions { Timeout = TimeSpan.FromMilliseconds(200) }).InTime());

        Assert.Equal(RpcStatusCode.DeadlineExceeded, failure.Status.Code);
        Assert.True(await _log.Cancelled.Task.InTime());
    }

    [Fact]
    public async Task Accessor_WhenRegistered_KnowsTheCall()
    {
        await using InProcessServer server = await StartAsync(services => services.AddRpcContextAccessor());
        ShopClient shop = new(server.Connection);

        Assert.Equal("found pen Find", (await shop.FindAsync(new HelloRequest { Msg = "pen" }).InTime()).Msg);
        Assert.Equal("slowly pen FindSlowly", (await shop.FindSlowly(new HelloRequest { Msg = "pen" }).InTime()).Msg);
    }

    [Fact]
    public async Task Start_OfACall_GivesAllThatItComesTo()
    {
        await using InProcessServer server = await StartAsync();
        using RpcUnaryCall<HelloReply> call = new ShopClient(server.Connection).StartFind(new HelloRequest { Msg = "pen" });

        Assert.Equal("found pen ", (await call.ReplyAsync.InTime()).Msg);
        Assert.Equal(RpcStatus.Ok, call.Status);
    }

    private static async IAsyncEnumerable<Int32Value> Numbers(int first, int last)
    {
        for (int i = first; i <= last; i++)
        {
            await Task.Yield();
            yield return new Int32Value { Value = i };
        }
    }

    private Task<InProcessServer> StartAsync(Action<IServiceCollection>? services = null) => InProcessServer.StartAsync(
        app => app.MapRpcService<ShopService>(),
        collection =>
        {
            collection.AddSingleton(_log);
            services?.Invoke(collection);
        });
}
