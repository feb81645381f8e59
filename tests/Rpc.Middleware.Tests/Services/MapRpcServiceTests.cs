using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>A class with all methods of a service, mapped in one line.</summary>
public sealed class MapRpcServiceTests
{
    [Fact]
    public async Task MapRpcService_EveryShapeAndCodec_Answers()
    {
        await using TestServer server = await StartAsync<OpenStock>();
        await using RpcConnection client = await RpcConnection.ConnectAsync(server.EndPoint).InTime();

        Assert.Equal("nail!", (await client.CallAsync(Shop.Find, Text("nail")).AsTask().InTime()).Value);
        Assert.Equal(new Shop.Order("nail", 3), await client.CallAsync(Shop.Buy, new Shop.Order("nail", 2)).AsTask().InTime());

        using (RpcClientStreamingCall<Shop.Order, Int32Value> counting = client.StartClientStream(Shop.Count))
        {
            await counting.Requests.WriteAsync(new Shop.Order("nail", 2)).AsTask().InTime();
            await counting.Requests.WriteAsync(new Shop.Order("nut", 5)).AsTask().InTime();
            await counting.Requests.CompleteAsync().AsTask().InTime();
            Assert.Equal(7, (await counting.ReplyAsync.InTime()).Value);
        }

        using (RpcServerStreamingCall<Shop.Order> listing = client.StartServerStream(Shop.List, Text("nut")))
        {
            Assert.Equal([1, 2, 3], await CountsAsync(listing.Replies));
        }

        using RpcDuplexStreamingCall<Shop.Order, Shop.Order> changing = client.StartDuplexStream(Shop.Change);
        await changing.Requests.WriteAsync(new Shop.Order("nut", 5)).AsTask().InTime();
        await changing.Requests.CompleteAsync().AsTask().InTime();
        Assert.Equal([-5], await CountsAsync(changing.Replies));
    }

    [Fact]
    public async Task MapRpcService_NotOverridden_IsUnimplemented()
    {
        await using TestServer server = await StartAsync<Nothing>();
        await using RpcConnection client = await RpcConnection.ConnectAsync(server.EndPoint).InTime();

        RpcException failed = await Assert.ThrowsAsync<RpcException>(() => client.CallAsync(Shop.Find, Text("a")).AsTask().InTime());

        Assert.Equal(RpcStatusCode.Unimplemented, failed.StatusCode);
    }

    [Theory]
    [InlineData("shop.Stock", null)]
    [InlineData("Stock", null)] // the alias
    [InlineData("Warehouse", "Warehouse")]
    [InlineData("Stock", "Warehouse")] // an alias is a whole name
    public async Task MapRpcService_Name_IsTheDescriptionsOrTheGivenOne(string called, string? name)
    {
        await using TestServer server = await StartAsync(app => app.MapRpcService<OpenStock>(name));
        await using RpcConnection client = await RpcConnection.ConnectAsync(server.EndPoint).InTime();

        StringValue reply = await client.CallAsync<StringValue, StringValue>(called, "Find", Text("a")).AsTask().InTime();

        Assert.Equal("a!", reply.Value);
    }

    [Fact]
    public async Task MapRpcService_InGroup_HasItsPrefixAndConventions()
    {
        await using TestServer server = await StartAsync(app => app.MapRpcGroup("north").AddRpcFilter(Append("group"))
            .MapRpcService<OpenStock>().AddRpcFilter(Append("service")).Method("Find").AddRpcFilter(Append("method")));
        await using RpcConnection client = await RpcConnection.ConnectAsync(server.EndPoint).InTime();

        StringValue reply = await client.CallAsync<StringValue, StringValue>("north.shop.Stock", "Find", Text("a")).AsTask().InTime();

        Assert.Equal("a group service method!", reply.Value);
    }

    [Fact]
    public async Task MapRpcService_FiltersInAnyOrder_RunFromTheServiceToTheMethod()
    {
        await using TestServer server = await StartAsync(app =>
        {
            RpcServiceEndpointConventionBuilder service = app.MapRpcService<OpenStock>();
            service.Method("Find").AddRpcFilter(Append("method"));
            service.AddRpcFilter<AppendClass>();
            service.AddRpcFilter(Append("service"));
        });
        await using RpcConnection client = await RpcConnection.ConnectAsync(server.EndPoint).InTime();

        Assert.Equal("a class service method!", (await client.CallAsync(Shop.Find, Text("a")).AsTask().InTime()).Value);
    }

    [Fact]
    public async Task MapRpcService_AuthorizationOnAnOverride_IsDemandedOfThatMethodAlone()
    {
        await using TestServer server = await StartAsync<Stock>(Policy);
        await using RpcConnection client = await RpcConnection.ConnectAsync(server.EndPoint).InTime();

        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => client.CallAsync(Shop.Buy, new Shop.Order("a", 1)).AsTask().InTime());

        Assert.Equal(RpcStatusCode.Unauthenticated, refused.StatusCode);
        Assert.Equal("a!", (await client.CallAsync(Shop.Find, Text("a")).AsTask().InTime()).Value);
    }

    [Fact]
    public async Task MapRpcService_AuthorizationOnTheClass_IsDemandedOfEveryMethodButTheOpenOne()
    {
        await using TestServer server = await StartAsync<ClosedStock>(Policy);
        await using RpcConnection client = await RpcConnection.ConnectAsync(server.EndPoint).InTime();

        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => client.CallAsync(Shop.Find, Text("a")).AsTask().InTime());

        Assert.Equal(RpcStatusCode.Unauthenticated, refused.StatusCode);
        Assert.Equal(1, (await client.CallAsync(Shop.Buy, new Shop.Order("a", 1)).AsTask().InTime()).Count);
    }

    [Fact]
    public void Method_Unknown_IsRefusedWithTheOnesThereAre()
    {
        ArgumentException refused = Assert.Throws<ArgumentException>(() =>
        {
            WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
            builder.Services.AddRpc();
            builder.Build().MapRpcService<OpenStock>().Method("find");
        });

        Assert.Contains("Find, Buy, Count, List, Change", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void MapRpcService_WithoutAddRpc_SaysWhatIsMissing()
    {
        InvalidOperationException refused = Assert.Throws<InvalidOperationException>(
            () => WebApplication.CreateSlimBuilder().Build().MapRpcService<OpenStock>());

        Assert.Contains("builder.Services.AddRpc()", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void MapRpcService_ConstructorTakesWhatNobodyRegistered_SaysSo()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddRpc();
        WebApplication app = builder.Build();

        InvalidOperationException refused = Assert.Throws<InvalidOperationException>(() => app.MapRpcService<Needy>());

        Assert.Contains(nameof(Needy), refused.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(HttpClient), refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Description_DuplicateOrForeignMethod_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => new RpcServiceDescription("shop.Stock", Shop.Find, Shop.Find));
        Assert.Throws<ArgumentException>(() => new RpcServiceDescription("Stock", Shop.Find));
    }

    private static StringValue Text(string text) => new() { Value = text };

    private static Task<TestServer> StartAsync<TService>(Action<IServiceCollection>? services = null)
        where TService : class, IRpcService => StartAsync(app => app.MapRpcService<TService>(), services);

    private static Task<TestServer> StartAsync(Action<WebApplication> map, Action<IServiceCollection>? services = null) =>
        TestServer.StartAsync(new TestServerSetup { App = map, Services = services });

    private static void Policy(IServiceCollection services) =>
        services.AddAuthorizationBuilder().AddPolicy("buyers", policy => policy.RequireAuthenticatedUser());

    private static Func<RpcContext, RpcDelegate, ValueTask> Append(string name) => (context, next) =>
    {
        ((StringValue)context.Request).Value += $" {name}";
        return next(context);
    };

    private static async Task<List<int>> CountsAsync(IRpcStreamReader<Shop.Order> replies)
    {
        List<int> counts = [];
        while (await replies.MoveNextAsync().AsTask().InTime())
        {
            counts.Add(replies.Current.Count);
        }

        return counts;
    }

    private sealed class AppendClass : IRpcFilter
    {
        public ValueTask InvokeAsync(RpcContext context, RpcDelegate next) => Append("class")(context, next);
    }

    private sealed class OpenStock : Stock
    {
        // Overrides without the attribute: it is inherited all the same, so it says that nobody need be known.
        [AllowAnonymous]
        public override ValueTask<Shop.Order> Buy(Shop.Order request, RpcContext context) => new(request with { Count = request.Count + 1 });
    }

    [Authorize]
    private sealed class ClosedStock : Shop.StockBase
    {
        [AllowAnonymous]
        public override ValueTask<Shop.Order> Buy(Shop.Order request, RpcContext context) => new(request);
    }

    private sealed class Nothing : Shop.StockBase;

#pragma warning disable CS9113 // never read: it is about the constructor
    private sealed class Needy(HttpClient client) : Shop.StockBase;
#pragma warning restore CS9113
}
