using Hello;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Middleware of classes: where their instances come from, and what is refused at the start.</summary>
public sealed class MiddlewareClassTests
{
    [Theory]
    [InlineData(ServiceLifetime.Singleton, 1, false)]
    [InlineData(ServiceLifetime.Scoped, 3, true)]
    [InlineData(ServiceLifetime.Transient, 3, true)]
    public async Task Use_RegisteredClass_IsResolvedByItsLifetime(ServiceLifetime lifetime, int instances, bool hasScope)
    {
        Made made = new();
        await using TestServer server = await StartAsync(
            services => services.AddSingleton(made).Add(new ServiceDescriptor(typeof(Registered), typeof(Registered), lifetime)),
            rpc => rpc.Use<Registered>());

        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(hasScope ? "scope, in front" : "no scope, in front", await CallAsync(server));
        }

        Assert.Equal(instances, made.Count);
        Assert.Equal(lifetime == ServiceLifetime.Singleton ? 0 : 3, made.Disposed);
    }

    [Fact]
    public async Task Use_ServiceType_IsResolvedAsRegistered()
    {
        Made made = new();
        await using TestServer server = await StartAsync(
            services => services.AddSingleton(made).AddSingleton<ISpecial, Special>(), rpc => rpc.Use<ISpecial>());

        Assert.Equal("no scope, special", await CallAsync(server));
    }

    [Fact]
    public async Task Use_ScopedClass_SharesTheScopeOfTheCall()
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Services = services => services.AddScoped<Made>().AddScoped<Registered>(),
            App = app =>
            {
                app.UseRpc(rpc => rpc.Use<Registered>());
                app.MapRpc(Golden.Name, (HelloRequest _, Made made) => new HelloReply { Msg = $"{made.Count}" });
            },
        });

        Assert.Equal("1, in front", await CallAsync(server));
        Assert.Equal("1, in front", await CallAsync(server));
    }

    [Fact]
    public async Task Use_ClassByConvention_IsCreatedOnceForAllMethods()
    {
        Made made = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Services = services => services.AddSingleton(made),
            App = app =>
            {
                app.UseRpc(rpc => rpc.Use<Counting>().Use<CountingWithTask>());
                app.MapHello();
                app.MapRpc("a/A", (HelloRequest _) => new HelloReply());
            },
        });

        Assert.Equal("Hello world 1 1", await CallAsync(server));
        Assert.Equal(" 2 2", await CallAsync(server, "a/A"));
        Assert.Equal("Hello world 3 3", await CallAsync(server));
        Assert.Equal(2, made.Count);
    }

    [Fact]
    public async Task Use_ClassByConvention_GetsWhatTheContainerHas()
    {
        await using TestServer server = await StartAsync(
            services => services.AddKeyedSingleton("key", "keyed").AddTransient<Made>(), rpc => rpc.Use<Served>());

        Assert.Equal("no scope, keyed 0 7", await CallAsync(server));
    }

    public static TheoryData<string> Unfit => [.. Misfits.Keys];

    private static Dictionary<string, (Action<RpcPipelineBuilder> Use, string[] Words)> Misfits { get; } = new()
    {
        ["not registered"] = (rpc => rpc.Use<Registered>(), [nameof(Registered), "not registered"]),
        ["interface not registered"] = (rpc => rpc.Use<ISpecial>(), [nameof(ISpecial), "not registered"]),
        ["dependency not registered"] = (rpc => rpc.Use<Counting>(), [nameof(Counting), "Made made", "no such service"]),
        ["no method"] = (rpc => rpc.Use<NoMethod>(), [nameof(NoMethod), "0 public methods", "IRpcMiddleware"]),
        ["two methods"] = (rpc => rpc.Use<TwoMethods>(), [nameof(TwoMethods), "2 public methods"]),
        ["no context"] = (rpc => rpc.Use<NoContext>(), [nameof(NoContext), "does not fit"]),
        ["wrong result"] = (rpc => rpc.Use<WrongResult>(), [nameof(WrongResult), "does not fit"]),
        ["further parameter"] = (rpc => rpc.Use<FurtherParameter>(), [nameof(FurtherParameter), "TimeProvider time", "not supported"]),
        ["no next"] = (rpc => rpc.Use<NoNext>(), [nameof(NoNext), "0 public constructors that take an RpcDelegate"]),
        ["two constructors"] = (rpc => rpc.Use<TwoConstructors>(), [nameof(TwoConstructors), "2 public constructors that take an RpcDelegate"]),
        ["abstract"] = (rpc => rpc.Use<Abstract>(), [nameof(Abstract), "0 public constructors"]),
        ["scoped dependency"] = (rpc => rpc.Use<TakesScoped>(), [nameof(TakesScoped), "scoped service", "IRpcMiddleware"]),
        ["disposable"] = (rpc => rpc.Use<DisposableOne>(), [nameof(DisposableOne), "dispose"]),
        ["null"] = (rpc => rpc.Use(_ => null!), ["returned null"]),
    };

    [Theory, MemberData(nameof(Unfit))]
    public async Task Use_ClassThatDoesNotFit_FailsAtStartAndSaysWhy(string misfit)
    {
        (Action<RpcPipelineBuilder> use, string[] words) = Misfits[misfit];

        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(
            () => StartAsync(services => services.AddScoped<Options>(), use));

        Assert.All(words, word => Assert.Contains(word, error.Message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Use_ClassThatDoesNotFit_FailsAlsoWithoutMethods()
    {
        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(
            () => TestServer.StartAsync(new TestServerSetup { App = app => app.UseRpc(rpc => rpc.Use<Registered>()) }));

        Assert.Contains("not registered", error.Message, StringComparison.Ordinal);
    }

    private static Task<TestServer> StartAsync(Action<IServiceCollection> services, Action<RpcPipelineBuilder> pipeline) =>
        TestServer.StartAsync(new TestServerSetup
        {
            Services = services,
            App = app =>
            {
                app.UseRpc(pipeline);
                app.MapRpc(Golden.Name, (HelloRequest _, RpcContext call) => new HelloReply { Msg = ((RpcCall)call).HasScope ? "scope" : "no scope" });
            },
        });

    private static async Task<string> CallAsync(TestServer server, string name = Golden.Name)
    {
        await using RawPeer peer = await server.ConnectAsync();
        await peer.SendAsync(Golden.Call(1, name: name));
        return (await peer.ReceiveAsync()).Msg;
    }

    private static async ValueTask AppendAsync(RpcContext call, RpcDelegate next, string text)
    {
        await next(call);
        ((HelloReply)call.Reply!).Msg += text;
    }

    private interface ISpecial : IRpcMiddleware;

    private sealed class Made
    {
        private int _count;
        private int _disposed;

        public int Count => _count;

        public int Disposed => _disposed;

        public void Add() => Interlocked.Increment(ref _count);

        public void Remove() => Interlocked.Increment(ref _disposed);
    }

    private sealed class Registered : IRpcMiddleware, IDisposable
    {
        private readonly Made _made;

        public Registered(Made made)
        {
            _made = made;
            made.Add();
        }

        public ValueTask InvokeAsync(RpcContext context, RpcDelegate next) => AppendAsync(context, next, ", in front");

        public void Dispose() => _made.Remove();
    }

    private sealed class Special : ISpecial
    {
        public ValueTask InvokeAsync(RpcContext context, RpcDelegate next) => AppendAsync(context, next, ", special");
    }

    private sealed class Counting
    {
        private readonly RpcDelegate _next;
        private int _calls;

        public Counting(Made made, RpcDelegate next)
        {
            _next = next;
            made.Add();
        }

        public ValueTask InvokeAsync(RpcContext context) => AppendAsync(context, _next, $" {++_calls}");
    }

    private sealed class CountingWithTask
    {
        private readonly RpcDelegate _next;
        private int _calls;

        public CountingWithTask(RpcDelegate next, Made made)
        {
            _next = next;
            made.Add();
        }

        public Task Invoke(RpcContext context) => AppendAsync(context, _next, $" {++_calls}").AsTask();
    }

    private sealed class Served(
        RpcDelegate next, [FromKeyedServices("key")] string text, IOptions<RpcServerOptions> options, Made made, int number = 7)
    {
        public ValueTask InvokeAsync(RpcContext context) =>
            AppendAsync(context, next, $", {text} {made.Count} {number}{(options.Value.EnableDetailedErrors ? "!" : "")}");
    }

    private sealed class NoMethod(RpcDelegate next)
    {
        public RpcDelegate Next => next;
    }

    private sealed class TwoMethods(RpcDelegate next)
    {
        public ValueTask InvokeAsync(RpcContext context) => next(context);

        public ValueTask Invoke(RpcContext context) => next(context);
    }

    private sealed class NoContext(RpcDelegate next)
    {
        public ValueTask InvokeAsync() => next(null!);
    }

    private sealed class WrongResult(RpcDelegate next)
    {
        public void InvokeAsync(RpcContext context) => next(context).AsTask().Wait();
    }

    private sealed class FurtherParameter(RpcDelegate next)
    {
        public ValueTask InvokeAsync(RpcContext context, TimeProvider time) => time is null ? default : next(context);
    }

    private sealed class NoNext
    {
        private int _calls;

        public ValueTask InvokeAsync(RpcContext context)
        {
            context.Items["calls"] = ++_calls;
            return default;
        }
    }

    private sealed class TwoConstructors(RpcDelegate next)
    {
        public TwoConstructors(RpcDelegate next, TimeProvider time)
            : this(next) => Time = time;

        public TimeProvider? Time { get; }

        public ValueTask InvokeAsync(RpcContext context) => next(context);
    }

    private abstract class Abstract(RpcDelegate next)
    {
        public ValueTask InvokeAsync(RpcContext context) => next(context);
    }

    private sealed class Options;

    private sealed class TakesScoped(RpcDelegate next, Options options)
    {
        public ValueTask InvokeAsync(RpcContext context) => options is null ? default : next(context);
    }

    private sealed class DisposableOne(RpcDelegate next) : IDisposable
    {
        public ValueTask InvokeAsync(RpcContext context) => next(context);

        public void Dispose()
        {
        }
    }
}
