using System.Collections.Concurrent;
using Hello;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>The whole pipeline of a real server: in which order its parts run, and what each of them can do to a call.</summary>
public sealed class PipelineOrderTests
{
    // In the order in which a call passes them.
    private static readonly string[] Places =
        ["middleware 1", "middleware 2", "server 1", "server 2", "outer group", "inner group", "method 1", "method 2", "handler"];

    public static TheoryData<string> EveryPlace => [.. Places];

    public static TheoryData<string, string> EveryPlaceAndWay
    {
        get
        {
            TheoryData<string, string> data = [];
            foreach (string place in Places)
            {
                data.Add(place, "at once");
                data.Add(place, "later");
                data.Add(place, "afterwards");
            }

            return data;
        }
    }

    [Theory]
    [InlineData(RpcScheduling.ThreadPool)]
    [InlineData(RpcScheduling.Inline)]
    public async Task Call_PassesEveryPart_FromServerToGroupToMethodAndBack(RpcScheduling scheduling)
    {
        ConcurrentQueue<string> steps = new();
        await using TestServer server = await StartAsync(
            async (place, call, next) =>
            {
                steps.Enqueue(place);
                await next(call);
                steps.Enqueue("/" + place);
            },
            scheduling);
        await using RpcConnection client = await RpcConnection.ConnectAsync(server.EndPoint, new RpcConnectionOptions { ProtocolVersion = 1 }).InTime();

        for (int i = 0; i < 3; i++)
        {
            steps.Clear();
            Assert.Equal("found x", (await FindAsync(client)).Msg);
            Assert.Equal([.. Places, .. Places.Reverse().Select(place => "/" + place)], steps);
        }

        Assert.Empty(server.Logs.Ours);
    }

    [Theory, MemberData(nameof(EveryPlace))]
    public async Task Call_OnePartAnswersItself_TheRestIsNotReached(string answering)
    {
        ConcurrentQueue<string> steps = new();
        await using TestServer server = await StartAsync(async (place, call, next) =>
        {
            steps.Enqueue(place);
            if (place == answering)
            {
                call.Reply = new HelloReply { Msg = place };
                return;
            }

            await next(call);
            Assert.Equal(answering, Assert.IsType<HelloReply>(call.Reply).Msg);
            steps.Enqueue("/" + place);
        });
        await using RpcConnection client = await RpcConnection.ConnectAsync(server.EndPoint, new RpcConnectionOptions { ProtocolVersion = 1 }).InTime();

        Assert.Equal(answering, (await FindAsync(client)).Msg);
        Assert.Equal([.. Until(answering), answering, .. Until(answering).Reverse().Select(place => "/" + place)], steps);
    }

    [Theory, MemberData(nameof(EveryPlaceAndWay))]
    public async Task Call_OnePartThrows_PartsAroundItSeeItAndTheCallerGetsItsCode(string throwing, string way)
    {
        ConcurrentQueue<string> seen = new();
        await using TestServer server = await StartAsync(async (place, call, next) =>
        {
            try
            {
                await ThrowAsync(place, call, next);
            }
            catch (RpcException exception) when (exception.Message == "enough")
            {
                seen.Enqueue(place);
                throw;
            }
        });
        await using RpcConnection client = await RpcConnection.ConnectAsync(server.EndPoint, new RpcConnectionOptions { ProtocolVersion = 1 }).InTime();

        for (int i = 0; i < 3; i++)
        {
            seen.Clear();
            RpcException error = await Assert.ThrowsAsync<RpcException>(() => FindAsync(client));
            Assert.Equal((RpcErrorCode.Client, "enough"), (error.Code, error.Message));
            Assert.Equal([throwing, .. Until(throwing).Reverse()], seen);
        }

        Assert.All(server.Logs.Ours, line => Assert.Equal(31, line.Id));

        ValueTask ThrowAsync(string place, RpcContext call, RpcDelegate next)
        {
            if (place != throwing)
            {
                return next(call);
            }

            // Without async the exception comes out of the call itself, not out of its task.
            return way == "at once" ? throw new RpcException(RpcErrorCode.Client, "enough") : LaterAsync(call, next);
        }

        async ValueTask LaterAsync(RpcContext call, RpcDelegate next)
        {
            if (way == "afterwards")
            {
                await next(call);
            }
            else
            {
                await Task.Yield();
            }

            throw new RpcException(RpcErrorCode.Client, "enough");
        }
    }

    [Theory, MemberData(nameof(EveryPlace))]
    public async Task Call_OnePartFails_CallerLearnsNothingElseAndTheNextCallPasses(string failing)
    {
        bool fails = true;
        await using TestServer server = await StartAsync((place, call, next) =>
            fails && place == failing ? throw new InvalidOperationException("secret") : next(call));
        await using RpcConnection client = await RpcConnection.ConnectAsync(server.EndPoint, new RpcConnectionOptions { ProtocolVersion = 1 }).InTime();

        RpcException error = await Assert.ThrowsAsync<RpcException>(() => FindAsync(client));
        fails = false;
        HelloReply next = await FindAsync(client);

        Assert.Equal((RpcErrorCode.Server, "The handler failed."), (error.Code, error.Message));
        Assert.Equal("found x", next.Msg);
        Assert.Equal("secret", Assert.Single(server.Logs.Ours, line => line.Id == 32).Exception!.Message);
    }

    [Theory, MemberData(nameof(EveryPlace))]
    public async Task Call_ClientGoesWhileOnePartWaits_ItAndThePartsAroundItAreCancelled(string waiting)
    {
        ConcurrentQueue<string> cancelled = new();
        TaskCompletionSource started = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestServer server = await StartAsync(async (place, call, next) =>
        {
            try
            {
                if (place == waiting)
                {
                    started.SetResult();
                    await Task.Delay(Timeout.InfiniteTimeSpan, call.CancellationToken);
                }

                await next(call);
            }
            catch (OperationCanceledException)
            {
                cancelled.Enqueue(place);
                throw;
            }
        });
        RpcConnection client = await RpcConnection.ConnectAsync(server.EndPoint, new RpcConnectionOptions { ProtocolVersion = 1 }).InTime();

        Task<HelloReply> call = FindAsync(client);
        await started.Task.InTime();
        await client.DisposeAsync().InTime();

        await Assert.ThrowsAsync<RpcException>(() => call);
        await server.Logs.WaitForAsync(33);
        await server.ExpectNothingLeftAsync();
        Assert.Equal([waiting, .. Until(waiting).Reverse()], cancelled);
    }

    private static string[] Until(string place) => [.. Places.TakeWhile(item => item != place)];

    private static Task<HelloReply> FindAsync(RpcConnection client) =>
        client.CallAsync<HelloRequest, HelloReply>("shop.Inventory", "Find", new HelloRequest { Msg = "x" }).InTime();

    // The order of the lines is not that of the places, on purpose.
    private static Task<TestServer> StartAsync(
        Func<string, RpcContext, RpcDelegate, ValueTask> at, RpcScheduling scheduling = RpcScheduling.ThreadPool) =>
        TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options => options.Scheduling = scheduling,
            App = app =>
            {
                RpcGroupBuilder outer = app.MapRpcGroup("shop");
                RpcGroupBuilder inner = outer.MapRpcGroup("Inventory");
                inner.MapRpc("Find", async (HelloRequest request, RpcContext call) =>
                {
                    await at("handler", call, context =>
                    {
                        context.Reply = new HelloReply { Msg = $"found {request.Msg}" };
                        return default;
                    });
                    return (HelloReply)call.Reply!;
                }).AddRpcFilter((call, next) => at("method 1", call, next)).AddRpcFilter((call, next) => at("method 2", call, next));
                inner.AddRpcFilter((call, next) => at("inner group", call, next));
                outer.AddRpcFilter((call, next) => at("outer group", call, next));
                app.UseRpc(rpc => rpc
                    .AddRpcFilter((call, next) => at("server 1", call, next))
                    .Use((call, next) => at("middleware 1", call, next)));
                app.UseRpc(rpc => rpc
                    .Use((call, next) => at("middleware 2", call, next))
                    .AddRpcFilter((call, next) => at("server 2", call, next)));
            },
        });
}
