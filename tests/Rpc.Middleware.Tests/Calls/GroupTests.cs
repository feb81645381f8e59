using System.Net;
using Hello;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>What methods of a group have in common.</summary>
public sealed class GroupTests
{
    [Theory]
    [InlineData("", "", "a/B", "a/B")]
    [InlineData("inventory", "", "Find", "inventory/Find")]
    [InlineData("", "inventory", "Find", "inventory/Find")]
    [InlineData("shop", "", "Inventory/Find", "shop.Inventory/Find")]
    [InlineData("shop", "Inventory", "Find", "shop.Inventory/Find")]
    [InlineData("org.shop", "v2", "Inventory/Find", "org.shop.v2.Inventory/Find")]
    public async Task MapRpc_InGroups_AnswersToTheWholeName(string outer, string inner, string name, string whole)
    {
        await using TestServer server = await StartAsync(app =>
        {
            RpcGroupBuilder group = app.MapRpcGroup(outer).MapRpcGroup(inner);
            group.MapRpc(name, (HelloRequest _, RpcContext call) => new HelloReply { Msg = call.Endpoint.Name.ToString() }).WithWireName("further/Name");
            group.MapRpc<HelloRequest, HelloReply>("Typed/Method", (_, call) => ValueTask.FromResult(new HelloReply { Msg = call.Endpoint.Name.ToString() }));
        });
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(Golden.Call(1, name: whole));
        Assert.Equal(whole, (await peer.ReceiveAsync()).Msg);
        await peer.SendAsync(Golden.Call(2, name: "further/Name"));
        Assert.Equal(whole, (await peer.ReceiveAsync()).Msg);
        string prefix = string.Join('.', new[] { outer, inner, "Typed" }.Where(part => part.Length > 0));
        await peer.SendAsync(Golden.Call(3, name: $"{prefix}/Method"));
        Assert.Equal($"{prefix}/Method", (await peer.ReceiveAsync()).Msg);
    }

    [Theory]
    [InlineData("a/b")]
    [InlineData("/")]
    [InlineData(" ")]
    [InlineData("a b")]
    [InlineData(".a")]
    [InlineData("a.")]
    public async Task MapRpcGroup_NotAPrefix_FailsWithExample(string prefix)
    {
        await using WebApplication app = BuildApp();

        string outer = Assert.Throws<ArgumentException>(() => app.MapRpcGroup(prefix)).Message;
        string inner = Assert.Throws<ArgumentException>(() => app.MapRpcGroup("a").MapRpcGroup(prefix)).Message;

        Assert.All([outer, inner], message => Assert.Contains("\"inventory\"", message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("", "Find")]
    [InlineData("a", "")]
    [InlineData("a", "/Find")]
    [InlineData("a", "Find/")]
    [InlineData("a", "b/c/d")]
    [InlineData("a", "b c")]
    public async Task MapRpc_NotANameInItsGroup_FailsWithExample(string prefix, string name)
    {
        await using WebApplication app = BuildApp();

        ArgumentException error = Assert.Throws<ArgumentException>(() => app.MapRpcGroup(prefix).MapRpc(name, (HelloRequest _) => new HelloReply()));

        Assert.Contains("inventory/Find", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Conventions_OfEveryLevel_RunFromServerToMethodAndFinallyBack(bool methodFirst)
    {
        List<string> steps = [];
        RpcEndpoint? seen = null;
        await using TestServer server = await StartAsync(app =>
        {
            RpcGroupBuilder outer = app.MapRpcGroup();
            RpcGroupBuilder inner = outer.MapRpcGroup();
            RpcEndpointConventionBuilder? method = methodFirst ? MapHello(inner) : null;
            Note(inner, "inner");
            Note(outer, "outer");
            app.UseRpc(rpc => Note(rpc, "server"));
            method ??= MapHello(inner);
            Note(method, "method");
            app.MapRpc("other/Method", (HelloRequest _) => new HelloReply());
        });
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(Golden.Request);
        await peer.ReceiveAsync();

        Assert.NotNull(seen);
        // The other method has those of the server alone.
        Assert.Equal(
            ["server", "outer", "inner", "method", "/method 2", "/method 1", "/inner 2", "/inner 1", "/outer 2", "/outer 1", "/server 2", "/server 1"],
            steps.Where(step => step.StartsWith("hello ", StringComparison.Ordinal)).Select(step => step["hello ".Length..]));
        Assert.Equal(["server", "/server 2", "/server 1"], steps.Where(step => step.StartsWith("other ", StringComparison.Ordinal)).Select(step => step["other ".Length..]));

        // What is closest to the handler comes last, so that it counts.
        Assert.Equal(["server", "outer", "inner", "lambda", "method"], seen.Metadata.GetOrderedMetadata<TagAttribute>().Select(tag => tag.Value));

        RpcEndpointConventionBuilder MapHello(RpcGroupBuilder group) => group.MapRpc(Golden.Name, [Tag("lambda")] (HelloRequest _, RpcContext call) =>
        {
            seen = call.Endpoint;
            return new HelloReply();
        });

        void Note<TBuilder>(TBuilder builder, string level)
            where TBuilder : IRpcEndpointConventionBuilder
        {
            builder.Add(endpoint =>
            {
                Add(endpoint, level);
                endpoint.Metadata.Add(new TagAttribute(level));
            });
            builder.Finally(endpoint => Add(endpoint, $"/{level} 1"));
            builder.Finally(endpoint => Add(endpoint, $"/{level} 2"));
        }

        void Add(EndpointBuilder endpoint, string step) =>
            steps.Add($"{(endpoint.DisplayName!.EndsWith(Golden.Name, StringComparison.Ordinal) ? "hello" : "other")} {step}");
    }

    [Fact]
    public async Task WithScheduling_OnSeveralLevels_InnermostCounts()
    {
        Dictionary<string, RpcScheduling> seen = [];
        await using TestServer server = await StartAsync(app =>
        {
            app.UseRpc(rpc => rpc.WithScheduling(RpcScheduling.Inline));
            RpcGroupBuilder group = app.MapRpcGroup("g").WithScheduling(RpcScheduling.ThreadPool).WithMetadata("extension for every builder");
            foreach (RpcEndpointConventionBuilder method in new[]
            {
                app.MapRpc("s/Server", (HelloRequest _) => new HelloReply()),
                group.MapRpc("Group", (HelloRequest _) => new HelloReply()),
                group.MapRpc("Method", (HelloRequest _) => new HelloReply()).WithScheduling(RpcScheduling.Inline),
            })
            {
                method.AddRpcFilter((call, _) =>
                {
                    seen.Add(call.Method, call.Endpoint.Scheduling);
                    call.Reply = new HelloReply();
                    return default;
                });
            }
        });
        await using RawPeer peer = await server.ConnectAsync();
        foreach (string name in new[] { "s/Server", "g/Group", "g/Method" })
        {
            await peer.SendAsync(Golden.Call(1, name: name));
            Assert.Null((await peer.ReceiveAsync()).Data.ErrorMessage);
        }

        Assert.Equal((RpcScheduling.Inline, RpcScheduling.ThreadPool, RpcScheduling.Inline), (seen["Server"], seen["Group"], seen["Method"]));
    }

    public static TheoryData<string> Demands => [.. Demanding.Keys];

    private static Dictionary<string, (string Word, Action<WebApplication> Map)> Demanding { get; } = new()
    {
        ["group"] = ("AddAuthorization", app => app.MapRpcGroup("g").RequireAuthorization("ops").MapRpc("M", Hello)),
        ["outer group, afterwards"] = ("AddAuthorization", app =>
        {
            RpcGroupBuilder group = app.MapRpcGroup("g");
            group.MapRpcGroup().MapRpc("M", Hello);
            group.RequireAuthorization();
        }),
        ["group, finally"] = ("AddAuthorization", app =>
        {
            RpcGroupBuilder group = app.MapRpcGroup("g");
            group.Finally(endpoint => endpoint.Metadata.Add(new AuthorizeAttribute()));
            group.MapRpc("M", Hello);
        }),
        ["server"] = ("AddAuthorization", app =>
        {
            app.MapRpc("g/M", Hello);
            app.UseRpc(rpc => rpc.RequireAuthorization());
        }),
        ["rate limit of a group"] = ("a rate limit", app => app.MapRpcGroup("g").RequireRateLimiting("slow").MapRpc("M", Hello)),
        ["filter for HTTP"] = ("filter", app => app.MapRpcGroup("g").AddEndpointFilter((context, next) => next(context)).MapRpc("M", Hello)),
    };

    [Theory, MemberData(nameof(Demands))]
    public async Task Group_DemandsWhatRpcDoesNotEnforce_FailsAtStart(string demand)
    {
        (string word, Action<WebApplication> map) = Demanding[demand];

        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(() => StartAsync(map));

        Assert.Contains("'g/M'", error.Message, StringComparison.Ordinal);
        Assert.Contains(word, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Group_OfRpcAndHttp_DoNotMix()
    {
        await using WebApplication app = BuildApp();
        RpcGroupBuilder group = app.MapRpcGroup("g");

        string get = Assert.Throws<InvalidOperationException>(() => group.MapGet("/", () => "x")).Message;
        string nested = Assert.Throws<InvalidOperationException>(() => group.MapGroup("/x")).Message;
        string branch = Assert.Throws<InvalidOperationException>(() => ((IEndpointRouteBuilder)group).CreateApplicationBuilder()).Message;
        string inHttp = Assert.Throws<InvalidOperationException>(() => app.MapGroup("/x").MapRpcGroup("g")).Message;

        Assert.All([get, nested, branch], message => Assert.Contains("HTTP routes cannot be mapped in a group of RPC methods", message, StringComparison.Ordinal));
        Assert.Contains("MapRpcGroup on the application itself", inHttp, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Group_AfterStart_TakesNothingMore()
    {
        await using WebApplication app = BuildApp();
        RpcGroupBuilder outer = app.MapRpcGroup("g");
        RpcGroupBuilder inner = outer.MapRpcGroup("h");
        inner.MapRpc("M", Hello);
        RpcPipelineBuilder? pipeline = null;
        app.UseRpc(rpc => pipeline = rpc);
        await app.StartAsync().InTime();

        string late = Assert.Throws<InvalidOperationException>(() => inner.RequireAuthorization()).Message;
        Assert.Throws<InvalidOperationException>(() => outer.AddRpcFilter((call, next) => next(call)));
        Assert.Throws<InvalidOperationException>(() => outer.Finally(_ => { }));
        Assert.Throws<InvalidOperationException>(() => inner.MapRpc("N", Hello));
        Assert.Throws<InvalidOperationException>(() => pipeline!.AddRpcFilter((call, next) => next(call)));
        Assert.Throws<InvalidOperationException>(() => app.UseRpc(rpc => rpc.WithScheduling(RpcScheduling.Inline)));

        Assert.Contains("the RPC group 'g.h'", late, StringComparison.Ordinal);
    }

    private static HelloReply Hello(HelloRequest request) => new() { Msg = request.Msg };

    private static Task<TestServer> StartAsync(Action<WebApplication> map) => TestServer.StartAsync(new TestServerSetup { App = map });

    private static WebApplication BuildApp()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddRpc();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, options => options.UseRpc()));
        return builder.Build();
    }

    [AttributeUsage(AttributeTargets.Method)]
    private sealed class TagAttribute(string value) : Attribute
    {
        public string Value => value;
    }
}
