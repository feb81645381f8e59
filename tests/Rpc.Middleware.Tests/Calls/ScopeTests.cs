using Hello;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>When a call has a service scope of its own, and when that ends.</summary>
public sealed class ScopeTests
{
    [Theory]
    [InlineData("singleton", false)]
    [InlineData("open generic singleton", false)]
    [InlineData("sequence of singletons", false)]
    [InlineData("scope factory", false)]
    [InlineData("scoped", true)]
    [InlineData("transient", true)]
    [InlineData("keyed scoped", true)]
    [InlineData("sequence with a transient", true)]
    [InlineData("singleton registered again as scoped", true)]
    [InlineData("service provider", true)]
    [InlineData("context used", true)]
    [InlineData("context not used", false)]
    public async Task Call_NeedsServices_ScopeOnlyIfOneIsNoSingleton(string need, bool hasScope)
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Services = services =>
            {
                services.AddSingleton<One>().AddScoped<Two>().AddTransient<Three>();
                services.AddKeyedScoped<Two>("key");
                services.AddSingleton<IMany, Many>();
                services.AddSingleton<IMixed, Mixed>().AddTransient<IMixed, Mixed>();
                services.AddSingleton<Changed>().AddScoped<Changed>();
            },
            App = app => app.MapRpc(Golden.Name, Handler(need)),
        });
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(Golden.Request);

        Assert.Equal(hasScope ? "scope" : "no scope", (await peer.ReceiveAsync()).Msg);
    }

    [Fact]
    public async Task ScopedService_OfACall_IsItsOwnAndDisposedBeforeTheReply()
    {
        List<Disposable> made = [];
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Services = services => services.AddScoped(_ =>
            {
                Disposable service = new();
                made.Add(service);
                return service;
            }),
            App = app =>
            {
                app.UseRpc(rpc => rpc.Use(async (call, next) =>
                {
                    Disposable before = call.RequestServices.GetRequiredService<Disposable>();
                    await next(call);
                    Assert.False(before.IsDisposed);
                }));
                app.MapRpc(Golden.Name, (HelloRequest _, Disposable service, IServiceProvider services) =>
                {
                    Assert.Same(service, services.GetRequiredService<Disposable>());
                    return new HelloReply();
                });
            },
        });
        await using RawPeer peer = await server.ConnectAsync();

        for (uint id = 0; id < 3; id++)
        {
            await peer.SendAsync(Golden.Call(id));
            RawReply reply = await peer.ReceiveAsync();

            Assert.Null(reply.Data.ErrorMessage);
            Assert.Equal((int)id + 1, made.Count);
            Assert.All(made, service => Assert.True(service.IsDisposed));
        }
    }

    [Theory]
    [InlineData("throws")]
    [InlineData("throws later")]
    public async Task Scope_FailsToEnd_CallFails(string how)
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Services = services => services.AddScoped(_ => new Failing(how)),
            App = app => app.MapRpc(Golden.Name, (HelloRequest _, Failing _) => new HelloReply()),
        });
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(Golden.Request);

        Assert.Equal("SERVER", (await peer.ReceiveAsync()).Data.ErrorCode);
        Assert.Equal(32, Assert.Single(await server.Logs.WaitForAsync(32)).Id);
    }

    [Fact]
    public async Task Service_CannotBeCreated_CallFails()
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Services = services => services.AddScoped<One>(_ => throw new InvalidOperationException("no")),
            App = app => app.MapRpc(Golden.Name, (HelloRequest _, One _) => new HelloReply()),
        });
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(Golden.Request);

        Assert.Equal("SERVER", (await peer.ReceiveAsync()).Data.ErrorCode);
        Assert.Equal(32, Assert.Single(await server.Logs.WaitForAsync(32)).Id);
    }

    private static Delegate Handler(string need) => need switch
    {
        "singleton" => (HelloRequest _, RpcContext call, One _) => Answer(call),
        "open generic singleton" => (HelloRequest _, RpcContext call, IOptions<RpcServerOptions> _) => Answer(call),
        "sequence of singletons" => (HelloRequest _, RpcContext call, IEnumerable<IMany> _) => Answer(call),
        "scope factory" => (HelloRequest _, RpcContext call, IServiceScopeFactory _) => Answer(call),
        "scoped" => (HelloRequest _, RpcContext call, Two _) => Answer(call),
        "transient" => (HelloRequest _, RpcContext call, Three _) => Answer(call),
        "keyed scoped" => (HelloRequest _, RpcContext call, [FromKeyedServices("key")] Two _) => Answer(call),
        "sequence with a transient" => (HelloRequest _, RpcContext call, IEnumerable<IMixed> _) => Answer(call),
        "singleton registered again as scoped" => (HelloRequest _, RpcContext call, Changed _) => Answer(call),
        "service provider" => (HelloRequest _, RpcContext call, IServiceProvider _) => Answer(call),
        "context used" => (HelloRequest request, RpcContext call) =>
        {
            _ = call.RequestServices;
            return Answer(call);
        },
        "context not used" => (HelloRequest _, RpcContext call) => Answer(call),
        _ => throw new ArgumentOutOfRangeException(nameof(need), need, null),
    };

    private static HelloReply Answer(RpcContext call) => new() { Msg = ((RpcCall)call).HasScope ? "scope" : "no scope" };

    private interface IMany;

    private interface IMixed;

    private sealed class One;

    private sealed class Two;

    private sealed class Three;

    private sealed class Changed;

    private sealed class Many : IMany;

    private sealed class Mixed : IMixed;

    private sealed class Disposable : IDisposable
    {
        public bool IsDisposed { get; private set; }

        public void Dispose() => IsDisposed = true;
    }

    private sealed class Failing(string how) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            if (how == "throws later")
            {
                await Task.Yield();
            }

            throw new InvalidOperationException("dispose");
        }
    }
}
