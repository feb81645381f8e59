using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>How long the instances of a service live.</summary>
public sealed class ServiceLifetimeTests
{
    [Theory]
    [InlineData(null, 2, 2)] // not registered: one for each call
    [InlineData(ServiceLifetime.Singleton, 1, 0)]
    [InlineData(ServiceLifetime.Scoped, 2, 2)]
    [InlineData(ServiceLifetime.Transient, 2, 2)]
    public async Task Calls_Lifetime_IsHonouredAndDisposed(ServiceLifetime? lifetime, int made, int disposed)
    {
        Counts counts = new();
        TestServer server = await StartAsync<Counted>(counts, lifetime);
        await using (RpcConnection client = await RpcConnection.ConnectAsync(server.EndPoint).InTime())
        {
            await client.CallAsync(Shop.Find, new StringValue()).AsTask().InTime();
            await client.CallAsync(Shop.Find, new StringValue()).AsTask().InTime();
            Assert.Equal(made, counts.Made);
            Assert.Equal(disposed, counts.Disposed);
        }

        await server.DisposeAsync();
        Assert.Equal(made, counts.Disposed);
    }

    [Fact]
    public async Task Calls_Fails_IsDisposedAllTheSame()
    {
        Counts counts = new();
        await using TestServer server = await StartAsync<Counted>(counts, null);
        await using RpcConnection client = await RpcConnection.ConnectAsync(server.EndPoint).InTime();

        await Assert.ThrowsAsync<RpcException>(() => client.CallAsync(Shop.Buy, new Shop.Order("a", 1)).AsTask().InTime());

        Assert.Equal(1, counts.Disposed);
    }

    [Fact]
    public async Task Calls_ScopedDependency_LivesAsLongAsTheCall()
    {
        Counts counts = new();
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app => app.MapRpcService<WithDependency>(),
            Services = services => services.AddSingleton(counts).AddScoped<Dependency>(),
        });
        await using RpcConnection client = await RpcConnection.ConnectAsync(server.EndPoint).InTime();

        for (int i = 1; i <= 3; i++)
        {
            Assert.Equal("alive", (await client.CallAsync(Shop.Find, new StringValue()).AsTask().InTime()).Value);
            Assert.Equal(i, counts.Disposed);
        }
    }

    private static Task<TestServer> StartAsync<TService>(Counts counts, ServiceLifetime? lifetime)
        where TService : class, IRpcService => TestServer.StartAsync(new TestServerSetup
        {
            App = app => app.MapRpcService<TService>(),
            Services = services =>
            {
                services.AddSingleton(counts);
                if (lifetime is { } known)
                {
                    services.Add(new ServiceDescriptor(typeof(TService), typeof(TService), known));
                }
            },
        });

    private sealed class Counts
    {
        public int Made;
        public int Disposed;
    }

    private sealed class Counted : Shop.StockBase, IAsyncDisposable
    {
        private readonly Counts _counts;

        public Counted(Counts counts)
        {
            _counts = counts;
            Interlocked.Increment(ref counts.Made);
        }

        public override async ValueTask<StringValue> Find(StringValue request, RpcContext context)
        {
            await Task.Yield();
            return request;
        }

        public async ValueTask DisposeAsync()
        {
            await Task.Yield();
            Interlocked.Increment(ref _counts.Disposed);
        }
    }

    private sealed class Dependency(Counts counts) : IDisposable
    {
        public string State { get; private set; } = "alive";

        public void Dispose()
        {
            State = "disposed";
            Interlocked.Increment(ref counts.Disposed);
        }
    }

    private sealed class WithDependency(Dependency dependency) : Shop.StockBase
    {
        public override async ValueTask<StringValue> Find(StringValue request, RpcContext context)
        {
            await Task.Yield();
            return new StringValue { Value = dependency.State };
        }
    }
}
