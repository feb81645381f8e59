using System.Net;
using Hello;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>What a developer gets told before anything is served.</summary>
public sealed class StartupTests
{
    [Fact]
    public async Task UseRpcOnListener_WithoutAddRpc_FailsAtStart()
    {
        WebApplicationBuilder builder = CreateBuilder();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, options => options.UseRpc()));

        // Kestrel runs the callback as early as in Build.
        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(async () =>
        {
            await using WebApplication app = builder.Build();
            await app.StartAsync().InTime();
        });

        Assert.Contains("builder.Services.AddRpc()", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MapRpcAndUseRpc_WithoutAddRpc_FailWithAdvice()
    {
        await using WebApplication app = CreateBuilder().Build();

        string map = Assert.Throws<InvalidOperationException>(() => app.MapHello()).Message;
        string use = Assert.Throws<InvalidOperationException>(() => app.UseRpc(_ => { })).Message;

        Assert.All([map, use], message => Assert.Contains("builder.Services.AddRpc()", message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task MapRpc_NoListenerServesRpc_Warns()
    {
        using LogCollector logs = new();
        WebApplicationBuilder builder = CreateBuilder(logs);
        builder.Services.AddRpc();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        await using WebApplication app = builder.Build();
        app.MapHello();

        await app.StartAsync().InTime();

        LogLine line = Assert.Single(logs.Ours);
        Assert.Equal((1, LogLevel.Warning), (line.Id, line.Level));
        Assert.Contains("UseRpc()", line.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ListenLocalhost_TwoBindings_ServesRpc()
    {
        // Kestrel builds such an end point once for each address family.
        WebApplicationBuilder builder = CreateBuilder();
        builder.Services.AddRpc();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenAnyIP(0, options => options.UseRpc()));
        await using WebApplication app = builder.Build();
        app.MapHello();

        await app.StartAsync().InTime();

        int port = new Uri(app.Urls.Single().Replace("[::]", "localhost", StringComparison.Ordinal)).Port;
        await using RawPeer peer = await RawPeer.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port));
        await peer.SendAsync(Golden.Request);
        Assert.Equal(Golden.Reply, await peer.ReceiveExactlyAsync(Golden.Reply.Length));
    }

    [Fact]
    public async Task UseRpc_BeforeUseHttps_FailsAtStart()
    {
        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(() => TestServer.StartAsync(
            new TestServerSetup { Listen = options => options.UseRpc().UseHttps(Tls.Certificate) }));

        Assert.Contains("Call UseHttps() first", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Names_MappedTwice_FailAtStart(bool byAlias)
    {
        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(() => StartAsync(app =>
        {
            app.MapHello();
            RpcEndpointConventionBuilder second = app.MapRpc(byAlias ? "other/Hello" : Golden.Name, (HelloRequest _) => new HelloReply());
            if (byAlias)
            {
                second.WithWireName(Golden.Name);
            }
        }));

        Assert.Contains($"Two end points answer to the RPC method '{Golden.Name}'", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Hello")]
    [InlineData("/Hello")]
    [InlineData("hello/")]
    [InlineData("/pkg.Greeter/Hello")]
    [InlineData("a/b/c")]
    [InlineData("hello world/Hello")]
    [InlineData("hello/Hel\nlo")]
    public async Task Name_NotServiceSlashMethod_FailsWithExample(string name)
    {
        await using WebApplication app = BuildApp();

        string map = Assert.Throws<ArgumentException>(() => app.MapRpc(name, (HelloRequest _) => new HelloReply())).Message;
        string alias = Assert.Throws<ArgumentException>(() => app.MapHello().WithWireName(name)).Message;

        Assert.All([map, alias], message => Assert.Contains("inventory/Find", message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Name_NotValidText_FailsWithExample()
    {
        // Half of a surrogate pair; not as test data, which would be repaired on its way here.
        await using WebApplication app = BuildApp();

        ArgumentException error = Assert.Throws<ArgumentException>(() => app.MapRpc("hello/\ud800", (HelloRequest _) => new HelloReply()));

        Assert.Contains("inventory/Find", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Mapping_AfterStart_Fails()
    {
        await using WebApplication app = BuildApp();
        RpcPipelineBuilder? saved = null;
        RpcEndpointConventionBuilder hello = app.MapHello();
        app.UseRpc(rpc => saved = rpc);
        await app.StartAsync().InTime();

        Assert.Throws<InvalidOperationException>(() => app.MapHello());
        Assert.Throws<InvalidOperationException>(() => app.UseRpc(rpc => rpc.Use(next => next)));
        Assert.Throws<InvalidOperationException>(() => hello.RequireAuthorization());
        Assert.Throws<InvalidOperationException>(() => hello.WithWireName("t/Echo"));
        Assert.Throws<InvalidOperationException>(() => hello.Finally(_ => { }));
        Assert.Throws<InvalidOperationException>(() => saved!.Use(next => next));
    }

    [Fact]
    public async Task MapRpc_InRouteGroup_Fails()
    {
        await using WebApplication app = BuildApp();
        RouteGroupBuilder group = app.MapGroup("/admin");
        group.RequireAuthorization();

        InvalidOperationException error = Assert.Throws<InvalidOperationException>(
            () => group.MapRpc(Golden.Name, (HelloRequest _) => new HelloReply()));

        Assert.Contains("group", error.Message, StringComparison.Ordinal);
    }

    public static TheoryData<string> Demands => [.. Demanding.Keys];

    private static Dictionary<string, (string Word, Action<WebApplication> Map)> Demanding { get; } = new()
    {
        ["RequireAuthorization"] = ("AddAuthorization", app => app.MapHello().RequireAuthorization()),
        ["policy name"] = ("AddAuthorization", app => app.MapHello().RequireAuthorization("ops")),
        ["policy"] = ("AddAuthorization", app => app.MapHello().RequireAuthorization(policy => policy.RequireAuthenticatedUser())),
        ["attribute"] = ("AddAuthorization", app => app.MapRpc(Golden.Name, [Authorize] (HelloRequest _) => new HelloReply())),
        ["attribute, typed"] = ("AddAuthorization", app => app.MapRpc<HelloRequest, HelloReply>(
            Golden.Name, [Authorize] (_, _) => ValueTask.FromResult(new HelloReply()))),
        ["class attribute"] = ("AddAuthorization", app => app.MapRpc(Golden.Name, Guarded.Hello)),
        ["class attribute, inherited method"] = ("AddAuthorization", app => app.MapRpc(Golden.Name, new GuardedService().Hello)),
        ["class attribute, typed"] = ("AddAuthorization", app => app.MapRpc<HelloRequest, HelloReply>(Golden.Name, new GuardedService().HelloAsync)),
        ["class attribute, lambda within"] = ("AddAuthorization", app => app.MapRpc(Golden.Name, Guarded.Lambda("x"))),
        ["late convention"] = ("AddAuthorization", app => app.MapHello().Finally(end => end.Metadata.Add(new AuthorizeAttribute()))),
        ["rate limit"] = ("a rate limit", app => app.MapHello().RequireRateLimiting("slow")),
        ["host"] = ("host names", app => app.MapHello().RequireHost("example.org")),
        ["time-out"] = ("time-out", app => app.MapHello().WithRequestTimeout(TimeSpan.FromSeconds(1))),
        ["filter"] = ("filter", app => app.MapHello().AddEndpointFilter((context, next) => next(context))),
    };

    [Theory, MemberData(nameof(Demands))]
    public async Task Metadata_DemandsWhatRpcDoesNotEnforce_FailsAtStart(string demand)
    {
        (string word, Action<WebApplication> map) = Demanding[demand];

        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(() => StartAsync(map));

        Assert.Contains(Golden.Name, error.Message, StringComparison.Ordinal);
        Assert.Contains(word, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Metadata_AllowAnonymousAlone_Starts()
    {
        await using TestServer server = await StartAsync(app => app.MapHello().AllowAnonymous());
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(Golden.Request);

        Assert.Equal(Golden.Reply, await peer.ReceiveExactlyAsync(Golden.Reply.Length));
    }

    [Theory]
    [InlineData("Scheduling")]
    [InlineData("Limits.MaxProtocolDataLength")]
    [InlineData("Limits.MaxBodyLength")]
    [InlineData("Limits.MaxConcurrentCallsPerConnection")]
    [InlineData("Connections.SniffTimeout")]
    public async Task Options_OutOfRange_FailAtStartWithTheirKey(string key)
    {
        OptionsValidationException error = await Assert.ThrowsAsync<OptionsValidationException>(() => TestServer.StartAsync(
            new TestServerSetup
            {
                Rpc = options =>
                {
                    options.Scheduling = key == "Scheduling" ? (RpcScheduling)9 : default;
                    options.Limits.MaxProtocolDataLength = key.EndsWith("ProtocolDataLength", StringComparison.Ordinal) ? -1 : 10;
                    options.Limits.MaxBodyLength = key.EndsWith("BodyLength", StringComparison.Ordinal) ? int.MaxValue : 10;
                    options.Limits.MaxConcurrentCallsPerConnection = key.EndsWith("PerConnection", StringComparison.Ordinal) ? 0 : 10;
                    options.Connections.SniffTimeout = key.EndsWith("Timeout", StringComparison.Ordinal) ? TimeSpan.Zero : null;
                },
            }));

        Assert.Contains($"RpcServerOptions.{key} is", Assert.Single(error.Failures), StringComparison.Ordinal);
    }

    [Fact]
    public void AddRpc_CalledTwice_KeepsOneServerAndBothConfigurations()
    {
        ServiceCollection services = new();
        services.AddLogging();
        services.AddRpc(options => options.EnableDetailedErrors = true);
        services.AddRpc(options => options.Limits.MaxBodyLength = 5);
        using ServiceProvider provider = services.BuildServiceProvider();

        RpcServerOptions options = provider.GetRequiredService<IOptions<RpcServerOptions>>().Value;

        Assert.True(options.EnableDetailedErrors);
        Assert.Equal(5, options.Limits.MaxBodyLength);
        Assert.Single(services, service => service.ServiceType == typeof(IHostedService));
    }

    [Fact]
    public async Task Conventions_AndAttributes_BecomeMetadataOfTheEndpoint()
    {
        RpcEndpoint? seen = null;
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app =>
            {
                app.UseRpc(rpc => rpc.Use((call, next) =>
                {
                    seen = call.Endpoint;
                    return next(call);
                }));
                app.MapRpc(Golden.Name, [Tag("lambda")] (HelloRequest request) => new HelloReply { Msg = $"Hello {request.Msg}" })
                    .WithMetadata(new TagAttribute("convention"))
                    .WithDisplayName("greeting")
                    .WithScheduling(RpcScheduling.Inline)
                    .WithWireName("b/B")
                    .WithWireName("b/B")
                    .WithWireName(Golden.Name);
            },
        });
        await using RawPeer peer = await server.ConnectAsync();
        await peer.SendAsync(Golden.Request);
        await peer.ReceiveAsync();

        Assert.NotNull(seen);
        Assert.Equal(["lambda", "convention"], seen.Metadata.GetOrderedMetadata<TagAttribute>().Select(tag => tag.Value));
        Assert.Equal("greeting", seen.DisplayName);
        Assert.Equal(RpcScheduling.Inline, seen.Scheduling);
        Assert.Equal([Golden.Name, "b/B"], seen.WireNames.Select(name => name.ToString()));
        Assert.Null(seen.RequestDelegate);
        Assert.DoesNotContain(server.Services.GetRequiredService<EndpointDataSource>().Endpoints, endpoint => endpoint is RpcEndpoint);
    }

    private static Task<TestServer> StartAsync(Action<WebApplication> map) => TestServer.StartAsync(new TestServerSetup { App = map });

    private static WebApplicationBuilder CreateBuilder(LogCollector? logs = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        if (logs is not null)
        {
            builder.Logging.AddProvider(logs);
        }

        return builder;
    }

    private static WebApplication BuildApp()
    {
        WebApplicationBuilder builder = CreateBuilder();
        builder.Services.AddRpc();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, options => options.UseRpc()));
        return builder.Build();
    }

    [Authorize]
    private static class Guarded
    {
        public static HelloReply Hello(HelloRequest request) => new() { Msg = request.Msg };

        public static Func<HelloRequest, HelloReply> Lambda(string captured) => _ => new HelloReply { Msg = captured };
    }

    private class Service
    {
        public HelloReply Hello(HelloRequest request) => new() { Msg = request.Msg };

        public ValueTask<HelloReply> HelloAsync(HelloRequest request, RpcContext call) => new(Hello(request));
    }

    [Authorize]
    private sealed class GuardedService : Service;

    [AttributeUsage(AttributeTargets.Method)]
    private sealed class TagAttribute(string value) : Attribute
    {
        public string Value => value;
    }
}
