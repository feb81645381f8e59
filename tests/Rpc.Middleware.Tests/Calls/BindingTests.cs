using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Hello;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

#pragma warning disable KRPC001, KRPC002, KRPC003, KRPC004, KRPC005, KRPC006, KRPC007 // the analyzers see the handlers that cannot be bound, too

/// <summary>
/// What a handler may look like, and what a developer is told about one that cannot be bound. Compiled twice: here for the binder at run time, and with
/// the tests of the analyzers, where the same handlers are bound by generated code. So each stands where it is mapped.
/// </summary>
public sealed class BindingTests
{
    internal interface IStock
    {
        string Name { get; }
    }

    internal interface IUnregistered;

    public static TheoryData<string> Shapes => [.. Good.Keys];

    private static Dictionary<string, Action<WebApplication>> Good { get; } = new()
    {
        ["message"] = app => app.MapRpc(Golden.Name, (HelloRequest request) => Reply(request.Msg)),
        ["task"] = app => app.MapRpc(Golden.Name, Task<HelloReply> (HelloRequest request) => Task.FromResult(Reply(request.Msg))),
        ["task, later"] = app => app.MapRpc(Golden.Name, async (HelloRequest request) =>
        {
            await Task.Yield();
            return Reply(request.Msg);
        }),
        ["value task"] = app => app.MapRpc(Golden.Name, ValueTask<HelloReply> (HelloRequest request) => ValueTask.FromResult(Reply(request.Msg))),
        ["value task, later"] = app => app.MapRpc(Golden.Name, async ValueTask<HelloReply> (HelloRequest request) =>
        {
            await Task.Yield();
            return Reply(request.Msg);
        }),
        ["any message"] = app => app.MapRpc(Golden.Name, IMessage (HelloRequest request) => Reply(request.Msg)),
        ["services and call"] = app => app.MapRpc(Golden.Name, (IStock stock, RpcContext call, IServiceProvider services, HelloRequest request, CancellationToken token) =>
        {
            Assert.Same(request, call.Request);
            Assert.Equal(token, call.CancellationToken);
            Assert.Same(call.RequestServices, services);
            Assert.Equal("stock", stock.Name);
            return Reply(request.Msg);
        }),
        ["keyed service"] = app => app.MapRpc(Golden.Name, (HelloRequest request, [FromKeyedServices("b")] IStock stock) =>
        {
            Assert.Equal("b", stock.Name);
            return Reply(request.Msg);
        }),
        ["sequence of services"] = app => app.MapRpc(Golden.Name, (HelloRequest request, IEnumerable<IStock> stocks) =>
        {
            Assert.Single(stocks);
            return Reply(request.Msg);
        }),
        ["optional service"] = app => app.MapRpc(Golden.Name, (HelloRequest request, IUnregistered? missing = null, int number = 5) =>
        {
            Assert.Null(missing);
            Assert.Equal(5, number);
            return Reply(request.Msg);
        }),
        ["optional token"] = app => app.MapRpc(Golden.Name, (HelloRequest request, CancellationToken token = default) =>
        {
            Assert.True(token.CanBeCanceled);
            return Reply(request.Msg);
        }),
        ["optional everything"] = app => app.MapRpc(Golden.Name, (HelloRequest request, RpcContext? call = null, DayOfWeek? day = DayOfWeek.Friday) =>
        {
            Assert.Same(request, call!.Request);
            Assert.Equal(DayOfWeek.Friday, day);
            return Reply(request.Msg);
        }),
        ["method with an optional token"] = app => app.MapRpc(Golden.Name, Greeter.WithToken),
        ["method of an object"] = app => app.MapRpc(Golden.Name, new Greeter("x").Hello),
        ["static method"] = app => app.MapRpc(Golden.Name, Greeter.StaticHello),
        ["extension method"] = app => app.MapRpc(Golden.Name, new Greeter("x").HelloByExtension),
    };

    [Theory, MemberData(nameof(Shapes))]
    public async Task Handler_OfShape_IsCalledAndAnswers(string shape)
    {
        await using TestServer server = await StartAsync(Good[shape]);
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(Golden.Call(1, "abc"));

        RawReply reply = await peer.ReceiveAsync();
        Assert.Null(reply.Data.ErrorMessage);
        Assert.Equal("abc", reply.Msg);
    }

    public static TheoryData<string> Silent => [.. Nothing.Keys];

    private static Dictionary<string, Action<WebApplication>> Nothing { get; } = new()
    {
        ["void"] = app => app.MapRpc(Golden.Name, (Empty _) => { }),
        ["task"] = app => app.MapRpc(Golden.Name, Task (Empty _) => Task.CompletedTask),
        ["task, later"] = app => app.MapRpc(Golden.Name, async (Empty _) => await Task.Yield()),
        ["value task"] = app => app.MapRpc(Golden.Name, ValueTask (Empty _) => default),
        ["value task, later"] = app => app.MapRpc(Golden.Name, async ValueTask (Empty _) => await Task.Yield()),
    };

    [Theory, MemberData(nameof(Silent))]
    public async Task Handler_ReturnsNothing_RepliesWithEmptyBody(string shape)
    {
        await using TestServer server = await StartAsync(Nothing[shape]);
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(Golden.Call(1, ""));

        RawReply reply = await peer.ReceiveAsync();
        Assert.Null(reply.Data.ErrorCode);
        Assert.Empty(reply.Body);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TypedHandler_WithoutReflection_Answers(bool isLater)
    {
        await using TestServer server = await StartAsync(app => app.MapRpc<HelloRequest, HelloReply>(Golden.Name, async (request, call) =>
        {
            if (isLater)
            {
                await Task.Yield();
            }

            return Reply($"{request.Msg} {call.RequestServices.GetRequiredService<IStock>().Name} {call.SequenceId}");
        }));
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(Golden.Call(3, "abc"));

        Assert.Equal("abc stock 3", (await peer.ReceiveAsync()).Msg);
    }

    public static TheoryData<string> Unbindable => [.. Bad.Keys];

    private static Dictionary<string, (Action<WebApplication> Map, string Words)> Bad { get; } = new()
    {
        ["no request"] = (app => app.MapRpc(Golden.Name, (IStock _) => Reply("")), "no parameter for its request message"),
        ["two requests"] = (app => app.MapRpc(Golden.Name, (HelloRequest _, HelloReply _) => Reply("")), "more than one message"),
        ["abstract request"] = (app => app.MapRpc(Golden.Name, (IMessage _) => Reply("")), "cannot be created"),
        ["unknown service"] = (app => app.MapRpc(Golden.Name, (HelloRequest _, IUnregistered missing) => Reply("")), "'missing'"),
        ["unknown key"] = (app => app.MapRpc(Golden.Name, (HelloRequest _, [FromKeyedServices("zz")] IStock stock) => Reply("")), "with the key 'zz'"),
        ["primitive"] = (app => app.MapRpc(Golden.Name, (HelloRequest _, int number) => Reply("")), "'number'"),
        ["by reference"] = (app => app.MapRpc(Golden.Name, (HelloRequest _, ref int number) => Reply("")), "by reference"),
        ["returns text"] = (app => app.MapRpc(Golden.Name, (HelloRequest request) => request.Msg), "returns System.String"),
        ["returns task of text"] = (app => app.MapRpc(Golden.Name, (HelloRequest request) => Task.FromResult(request.Msg)), "must return a protobuf message"),
        ["async void"] = (app => app.MapRpc(Golden.Name, Greeter.Forget), "async void"),
    };

    [Theory, MemberData(nameof(Unbindable))]
    public async Task Handler_CannotBeBound_MapRpcSaysWhy(string shape)
    {
        (Action<WebApplication> map, string words) = Bad[shape];

        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(() => StartAsync(map));

        Assert.Contains($"'{Golden.Name}'", error.Message, StringComparison.Ordinal);
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Context_OfACall_TellsWhoCallsWhat()
    {
        Dictionary<string, object?> seen = [];
        await using TestServer server = await StartAsync(app => app.MapRpc(Golden.Name, (HelloRequest request, RpcContext call) =>
        {
            seen["service"] = call.Service;
            seen["method"] = call.Method;
            seen["id"] = call.SequenceId;
            seen["local"] = call.LocalEndPoint?.ToString();
            seen["remote"] = call.RemoteEndPoint?.ToString();
            seen["items"] = call.Items.Count;
            call.Items["x"] = 1;
            call.Features.Set(this);
            seen["feature"] = call.Features.Get<BindingTests>();
            seen["on connection"] = call.Connection.Features.Get<BindingTests>();
            return Reply(request.Msg);
        }));
        await using RawPeer peer = await server.ConnectAsync();

        // Twice: the second call gets the context of the first, emptied.
        for (uint id = 10; id < 12; id++)
        {
            await peer.SendAsync(Golden.Call(id));
            await peer.ReceiveAsync();
            Assert.Equal("helloworld", seen["service"]);
            Assert.Equal("Hello", seen["method"]);
            Assert.Equal(id, seen["id"]);
            Assert.Equal(peer.Socket.RemoteEndPoint!.ToString(), seen["local"]);
            Assert.Equal(peer.Socket.LocalEndPoint!.ToString(), seen["remote"]);
            Assert.Equal(0, seen["items"]);
            Assert.Same(this, seen["feature"]);
            Assert.Null(seen["on connection"]);
        }
    }

    private static HelloReply Reply(string msg) => new() { Msg = msg };

    private static Task<TestServer> StartAsync(Action<WebApplication> map) => TestServer.StartAsync(new TestServerSetup
    {
        App = map,
        Rpc = options => options.EnableDetailedErrors = true,
        Services = services =>
        {
            services.AddSingleton<IStock>(new Stock("stock"));
            services.AddKeyedSingleton<IStock>("b", new Stock("b"));
        },
    });

    private sealed record Stock(string Name) : IStock;

    internal sealed class Greeter(string prefix)
    {
        public string Prefix => prefix;

        public HelloReply Hello(HelloRequest request) => Reply(prefix.Length > 0 ? request.Msg : "");

        public static HelloReply StaticHello(HelloRequest request) => Reply(request.Msg);

        public static HelloReply WithToken(HelloRequest request, CancellationToken token = default) => Reply(token.CanBeCanceled ? request.Msg : "");

        public static async void Forget(HelloRequest request) => await Task.Yield();
    }
}

internal static class GreeterExtensions
{
    public static HelloReply HelloByExtension(this BindingTests.Greeter greeter, HelloRequest request) =>
        new() { Msg = greeter.Prefix.Length > 0 ? request.Msg : "" };
}
