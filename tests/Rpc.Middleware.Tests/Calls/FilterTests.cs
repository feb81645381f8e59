using System.Collections.Concurrent;
using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Filters of methods: their forms, what they see and change, and where the instances of classes come from.</summary>
public sealed class FilterTests
{
    [Fact]
    public async Task Filter_Delegate_SeesTheRequestAndReplacesTheReply()
    {
        await using TestServer server = await StartAsync(method => method.AddRpcFilter(async (call, next) =>
        {
            HelloRequest request = Assert.IsType<HelloRequest>(call.Request);
            Assert.Null(call.Reply);
            await next(call);
            call.Reply = new HelloReply { Msg = $"{request.Msg}: {((HelloReply)call.Reply!).Msg}" };
        }));

        Assert.Equal("world: no scope", (await CallAsync(server)).Msg);
    }

    [Fact]
    public async Task Filter_Refuses_HandlerIsNotCalled()
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app => app.MapRpc(Golden.Name, HelloReply (HelloRequest _) => throw new InvalidOperationException("called"))
                .AddRpcFilter((call, next) => ((HelloRequest)call.Request).Msg.Length > 3
                    ? throw new RpcException(RpcErrorCode.Client, "too long")
                    : next(call)),
        });

        RawReply reply = await CallAsync(server);

        Assert.Equal(("CLIENT", "too long"), (reply.Data.ErrorCode, reply.Data.ErrorMessage));
    }

    [Fact]
    public async Task Filters_OfEveryForm_RunInTheOrderAdded()
    {
        ConcurrentQueue<string> steps = new();
        await using TestServer server = await StartAsync(
            method => method
                .AddRpcFilter((call, next) => Step(call, next, "delegate"))
                .AddRpcFilter(new Instance(steps))
                .AddRpcFilterFactory((_, next) => call => Step(call, next, "factory"))
                .AddRpcFilter<Registered>()
                .AddRpcFilter<RpcEndpointConventionBuilder, Created>(),
            services => services.AddSingleton(steps).AddSingleton<Registered>());

        await CallAsync(server);

        Assert.Equal(["delegate", "instance", "factory", "registered", "created"], steps);

        ValueTask Step(RpcContext call, RpcDelegate next, string name)
        {
            steps.Enqueue(name);
            return next(call);
        }
    }

    [Fact]
    public async Task FilterFactory_LooksAtEachMethodOnce_AndMayAddNothing()
    {
        ConcurrentQueue<string> seen = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Services = services => services.AddSingleton(seen),
            App = app =>
            {
                app.UseRpc(rpc => rpc.AddRpcFilterFactory((method, next) =>
                {
                    string text = $"{method.Name} {method.HandlerMethod.ReturnType.Name} {method.Metadata.GetMetadata<Limit>()?.Length}";
                    method.ApplicationServices.GetRequiredService<ConcurrentQueue<string>>().Enqueue(text);
                    return method.Metadata.GetMetadata<Limit>() is not { } limit ? next : call =>
                        ((HelloRequest)call.Request).Msg.Length > limit.Length ? throw new RpcException(RpcErrorCode.Client, "long") : next(call);
                }));
                app.MapHello();
                app.MapRpc("a/Limited", (HelloRequest _) => new HelloReply()).WithMetadata(new Limit(2));
            },
        });

        Assert.Equal("Hello world", (await CallAsync(server)).Msg);
        Assert.Equal("Hello world", (await CallAsync(server)).Msg);
        Assert.Equal("long", (await CallAsync(server, "a/Limited")).Data.ErrorMessage);
        Assert.Equal(["helloworld/Hello HelloReply ", "a/Limited HelloReply 2"], seen);
    }

    [Theory]
    [InlineData("singleton", 1, false)]
    [InlineData("scoped", 3, true)]
    [InlineData("transient", 3, true)]
    [InlineData("not registered", 1, false)]
    [InlineData("not registered, takes a scoped service", 3, true)]
    [InlineData("not registered, takes the services", 3, true)]
    public async Task Filter_Class_HasAScopeOnlyWhereItNeedsOne(string how, int instances, bool hasScope)
    {
        ConcurrentQueue<string> steps = new();
        Action<RpcEndpointConventionBuilder> add = how switch
        {
            "not registered" => method => method.AddRpcFilter<Created>(),
            "not registered, takes a scoped service" => method => method.AddRpcFilter<TakesScoped>(),
            "not registered, takes the services" => method => method.AddRpcFilter<TakesServices>(),
            _ => method => method.AddRpcFilter<Registered>(),
        };
        await using TestServer server = await StartAsync(add, services =>
        {
            services.AddSingleton(steps).AddScoped<Scoped>();
            switch (how)
            {
                case "singleton":
                    services.AddSingleton<Registered>();
                    break;
                case "scoped":
                    services.AddScoped<Registered>();
                    break;
                case "transient":
                    services.AddTransient<Registered>();
                    break;
            }
        });

        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(hasScope ? "scope" : "no scope", (await CallAsync(server)).Msg);
        }

        Assert.Equal(3, steps.Count);
        Assert.Equal(instances, Counted.Of(server));
    }

    [Fact]
    public async Task Filter_ClassOfAGroup_IsCreatedOnceForItsMethods()
    {
        ConcurrentQueue<string> steps = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Services = services => services.AddSingleton(steps).AddSingleton<Counted>(),
            App = app =>
            {
                RpcGroupBuilder group = app.MapRpcGroup("g").AddRpcFilter<Created>();
                group.MapRpc("A", (HelloRequest _) => new HelloReply());
                group.MapRpc("B", (HelloRequest _) => new HelloReply());
            },
        });

        await CallAsync(server, "g/A");
        await CallAsync(server, "g/B");

        Assert.Equal(["created", "created"], steps);
        Assert.Equal(1, Counted.Of(server));
    }

    public static TheoryData<string> Unfit => [.. Misfits.Keys];

    private static Dictionary<string, (Action<RpcEndpointConventionBuilder> Add, string[] Words)> Misfits { get; } = new()
    {
        ["dependency"] = (method => method.AddRpcFilter<Created>(), [nameof(Created), "steps", "no such service"]),
        ["two constructors"] = (method => method.AddRpcFilter<TwoConstructors>(), [nameof(TwoConstructors), "2 public constructors"]),
        ["interface"] = (method => method.AddRpcFilter<IRpcFilter>(), [nameof(IRpcFilter), "not registered"]),
        ["disposable"] = (method => method.AddRpcFilter<DisposableOne>(), [nameof(DisposableOne), "dispose"]),
        ["null"] = (method => method.AddRpcFilterFactory((_, _) => null!), [Golden.Name, "returned null"]),
    };

    [Theory, MemberData(nameof(Unfit))]
    public async Task Filter_ThatDoesNotFit_FailsAtStartAndSaysWhy(string misfit)
    {
        (Action<RpcEndpointConventionBuilder> add, string[] words) = Misfits[misfit];

        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(() => StartAsync(add));

        Assert.All(words, word => Assert.Contains(word, error.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void Filter_OnWhatIsNoRpcMethod_IsRefused()
    {
        InvalidOperationException error = Assert.Throws<InvalidOperationException>(
            () => new Foreign().AddRpcFilter((call, next) => next(call)));

        Assert.Contains("'GET /'", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(RpcScheduling.ThreadPool)]
    [InlineData(RpcScheduling.Inline)]
    public async Task Filter_LeavesTheHandlerOnAnotherThread_LateReplyReachesNoOtherCall(RpcScheduling scheduling)
    {
        using ManualResetEventSlim finish = new();
        TaskCompletionSource running = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource late = new(TaskCreationOptions.RunContinuationsAsynchronously);
        RpcContext? abandoned = null;
        List<RpcContext> others = [];
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options => options.Scheduling = scheduling,
            App = app =>
            {
                app.MapRpc("s/Slow", (HelloRequest _) =>
                {
                    // Synchronous to its end, on a thread that nobody waits for.
                    running.SetResult();
                    Assert.True(finish.Wait(TimeLimits.Limit));
                    return new HelloReply { Msg = "for alice" };
                }).AddRpcFilter(async (call, next) =>
                {
                    abandoned = call;
                    _ = Task.Run(async () =>
                    {
                        await next(call);
                        late.SetResult();
                    });
                    await running.Task;
                    throw new RpcException(RpcErrorCode.Timeout, "too slow");
                });
                app.MapRpc("s/Other", (HelloRequest _, RpcContext call) =>
                {
                    others.Add(call);
                    return new HelloReply { Msg = "for bob" };
                });
            },
        });
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(Golden.Call(1, "alice", "s/Slow"));
        Assert.Equal("TIMEOUT", (await peer.ReceiveAsync()).Data.ErrorCode);
        for (uint id = 2; id < 300; id++)
        {
            await peer.SendAsync(Golden.Call(id, "bob", "s/Other"));
            Assert.Equal("for bob", (await peer.ReceiveAsync()).Msg);
        }

        finish.Set();
        await late.Task.InTime();
        Assert.NotNull(abandoned);
        Assert.DoesNotContain(abandoned, others);
        Assert.Equal("for alice", Assert.IsType<HelloReply>(abandoned.Reply).Msg);
    }

    private static Task<TestServer> StartAsync(Action<RpcEndpointConventionBuilder> filters, Action<IServiceCollection>? services = null) =>
        TestServer.StartAsync(new TestServerSetup
        {
            Services = collection =>
            {
                collection.AddSingleton<Counted>();
                services?.Invoke(collection);
            },
            App = app => filters(app.MapRpc(
                Golden.Name, (HelloRequest _, RpcContext call) => new HelloReply { Msg = ((RpcCall)call).HasScope ? "scope" : "no scope" })),
        });

    private static async Task<RawReply> CallAsync(TestServer server, string name = Golden.Name)
    {
        await using RawPeer peer = await server.ConnectAsync();
        await peer.SendAsync(Golden.Call(1, name: name));
        return await peer.ReceiveAsync();
    }

    private sealed record Limit(int Length);

    private sealed class Scoped;

    /// <summary>How many filters were made.</summary>
    private sealed class Counted
    {
        private int _count;

        public static int Of(TestServer server) => server.Services.GetRequiredService<Counted>()._count;

        public void Add() => Interlocked.Increment(ref _count);
    }

    private abstract class Noting(ConcurrentQueue<string> steps, string name) : IRpcFilter
    {
        public ValueTask InvokeAsync(RpcContext context, RpcDelegate next)
        {
            steps.Enqueue(name);
            return next(context);
        }
    }

    private sealed class Instance(ConcurrentQueue<string> steps) : Noting(steps, "instance");

    private sealed class Registered : Noting
    {
        public Registered(ConcurrentQueue<string> steps, Counted counted)
            : base(steps, "registered") => counted.Add();
    }

    private sealed class Created : Noting
    {
        public Created(ConcurrentQueue<string> steps, Counted counted)
            : base(steps, "created") => counted.Add();
    }

    private sealed class TakesScoped : Noting
    {
        public TakesScoped(ConcurrentQueue<string> steps, Counted counted, Scoped scoped)
            : base(steps, scoped.ToString()!) => counted.Add();
    }

    private sealed class TakesServices : Noting
    {
        public TakesServices(ConcurrentQueue<string> steps, Counted counted, IServiceProvider services)
            : base(steps, services.GetRequiredService<Scoped>().ToString()!) => counted.Add();
    }

    private sealed class TwoConstructors(ConcurrentQueue<string> steps) : Noting(steps, "two")
    {
        public TwoConstructors()
            : this(new ConcurrentQueue<string>())
        {
        }
    }

    private sealed class DisposableOne : IRpcFilter, IAsyncDisposable
    {
        public ValueTask InvokeAsync(RpcContext context, RpcDelegate next) => next(context);

        public ValueTask DisposeAsync() => default;
    }

    /// <summary>Gives conventions the builder of an HTTP end point.</summary>
    private sealed class Foreign : IRpcEndpointConventionBuilder
    {
        public void Add(Action<EndpointBuilder> convention) => convention(
            new Microsoft.AspNetCore.Routing.RouteEndpointBuilder(null, Microsoft.AspNetCore.Routing.Patterns.RoutePatternFactory.Parse("/"), 0) { DisplayName = "GET /" });

        public void Finally(Action<EndpointBuilder> finallyConvention) => Add(finallyConvention);
    }
}
