using System.Security.Claims;
using Google.Protobuf.WellKnownTypes;
using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Policies of ASP.NET Core in front of RPC methods: nobody gets more than they allow.</summary>
public sealed class AuthorizationTests
{
    private const string Known = "ann";
    private const string Operator = "bob:ops";

    // What guards the method, with who is let in.
    private static readonly Dictionary<string, (Action<WebApplication> Map, bool Anybody, bool Known, bool Operator)> Guards = new()
    {
        ["nothing"] = (app => Map(app), true, true, true),
        ["RequireAuthorization"] = (app => Map(app).RequireAuthorization(), false, true, true),
        ["policy name"] = (app => Map(app).RequireAuthorization("ops"), false, false, true),
        ["several policies"] = (app => Map(app).RequireAuthorization("ops", "never"), false, false, false),
        ["policy"] = (app => Map(app).RequireAuthorization(new AuthorizationPolicyBuilder().RequireRole("ops").Build()), false, false, true),
        ["policy builder"] = (app => Map(app).RequireAuthorization(policy => policy.RequireUserName("ann")), false, true, false),
        ["roles"] = (app => Map(app).RequireAuthorization(new AuthorizeAttribute { Roles = "ops" }), false, false, true),
        ["attribute"] = (app => app.MapRpc(Golden.Name, [Authorize(Roles = "ops")] (HelloRequest _, RpcContext call) => Who(call)), false, false, true),
        ["class attribute"] = (app => app.MapRpc(Golden.Name, Guarded.Hello), false, true, true),
        ["class attribute, lambda within"] = (app => app.MapRpc(Golden.Name, Guarded.Lambda("x")), false, true, true),
        ["class attribute, inherited method"] = (app => app.MapRpc(Golden.Name, new GuardedService().Hello), false, false, true),
        ["requirement of an attribute"] = (app => Map(app).WithMetadata(new NamedAttribute("ann")), false, true, false),
        ["group"] = (app => app.MapRpcGroup("helloworld").RequireAuthorization("ops").MapRpc("Hello", (HelloRequest _, RpcContext call) => Who(call)), false, false, true),
        ["group and method"] = (app => app.MapRpcGroup("helloworld").RequireAuthorization("ops").MapRpc("Hello", (HelloRequest _, RpcContext call) => Who(call))
            .RequireAuthorization("never"), false, false, false),
        ["server"] = (app =>
        {
            Map(app);
            app.UseRpc(rpc => rpc.RequireAuthorization("ops"));
        }, false, false, true),
        ["finally"] = (app => Map(app).Finally(end => end.Metadata.Add(new AuthorizeAttribute("ops"))), false, false, true),
        ["wire name"] = (app => app.MapRpc("other/Name", (HelloRequest _, RpcContext call) => Who(call)).WithWireName(Golden.Name).RequireAuthorization("ops"), false, false, true),
        ["AllowAnonymous"] = (app => Map(app).RequireAuthorization("ops").AllowAnonymous(), true, true, true),
        ["AllowAnonymous in a guarded server"] = (app =>
        {
            Map(app).AllowAnonymous();
            app.UseRpc(rpc => rpc.RequireAuthorization("ops"));
        }, true, true, true),
        ["waiting handler"] = (app => Map(app).RequireAuthorization("slow"), false, false, true),
    };

    public static TheoryData<string> Names => [.. Guards.Keys];

    [Theory, MemberData(nameof(Names))]
    public async Task Method_WithAGuard_LetsInWhomItNames(string guard)
    {
        (Action<WebApplication> map, bool anybody, bool known, bool isOperator) = Guards[guard];
        await using TestServer server = await new Users().StartAsync(map, AddPolicies);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);

        await ExpectAsync(peer, 1, null, anybody ? RpcStatusCode.Ok : RpcStatusCode.Unauthenticated, "");
        await ExpectAsync(peer, 2, Known, known ? RpcStatusCode.Ok : RpcStatusCode.PermissionDenied, "ann");
        await ExpectAsync(peer, 3, Operator, isOperator ? RpcStatusCode.Ok : RpcStatusCode.PermissionDenied, "bob");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task FallbackPolicy_GuardsWhatSaysNothing(bool isAnonymous)
    {
        await using TestServer server = await new Users().StartAsync(
            app =>
            {
                RpcEndpointConventionBuilder hello = Map(app);
                if (isAnonymous)
                {
                    hello.AllowAnonymous();
                }
            },
            services => services.AddAuthorization(options => options.FallbackPolicy = new AuthorizationPolicyBuilder().RequireRole("ops").Build()));
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);

        await ExpectAsync(peer, 1, null, isAnonymous ? RpcStatusCode.Ok : RpcStatusCode.Unauthenticated, "");
        await ExpectAsync(peer, 2, Operator, RpcStatusCode.Ok, "bob");
    }

    [Fact]
    public async Task DefaultPolicy_IsWhatRequireAuthorizationMeans()
    {
        await using TestServer server = await new Users().StartAsync(
            app => Map(app).RequireAuthorization(),
            services => services.AddAuthorization(options => options.DefaultPolicy = new AuthorizationPolicyBuilder().RequireRole("ops").Build()));
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);

        await ExpectAsync(peer, 1, Known, RpcStatusCode.PermissionDenied, "");
        await ExpectAsync(peer, 2, Operator, RpcStatusCode.Ok, "bob");
    }

    [Fact]
    public async Task Version1_NobodySignedIn_IsRefusedWithItsCode()
    {
        await using TestServer server = await new Users().StartAsync(app => Map(app).RequireAuthorization(), AddPolicies);
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(Golden.Call(1));

        RawReply reply = await peer.ReceiveAsync();
        Assert.Equal("SERVER", reply.Data.ErrorCode);
        Assert.Equal("The method demands to know who calls.", reply.Data.ErrorMessage);
    }

    [Theory]
    [InlineData("client", null, RpcStatusCode.Unauthenticated)]
    [InlineData("client", Operator, RpcStatusCode.Ok)]
    [InlineData("server", Known, RpcStatusCode.PermissionDenied)]
    [InlineData("server", Operator, RpcStatusCode.Ok)]
    [InlineData("both", null, RpcStatusCode.Unauthenticated)]
    [InlineData("both", Operator, RpcStatusCode.Ok)]
    public async Task Stream_WithAGuard_HandlerRunsForWhomItNamesOnly(string shape, string? token, RpcStatusCode expected)
    {
        int ran = 0;
        await using TestServer server = await new Users().StartAsync(
            app =>
            {
                RpcEndpointConventionBuilder method = shape switch
                {
                    "client" => app.MapRpcClientStream<Int32Value, Int32Value>("n/M", (_, _) => ValueTask.FromResult(new Int32Value { Value = ++ran })),
                    "server" => app.MapRpcServerStream<Int32Value, Int32Value>("n/M", async (_, replies, _) => await replies.WriteAsync(new Int32Value { Value = ++ran })),
                    _ => app.MapRpcDuplexStream<Int32Value, Int32Value>("n/M", async (_, replies, _) => await replies.WriteAsync(new Int32Value { Value = ++ran })),
                };
                method.RequireAuthorization("ops");
            },
            AddPolicies);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        RpcCallHeader header = new() { Flags = RpcCallBits.End, Metadata = Users.Bearer(token).Metadata };

        await peer.SendAsync(Version2Frames.Request(1, header, [], "n/M"));

        Version2Reply reply = await peer.ReceiveAsync();
        while (reply.Type == RpcFrameType.Data)
        {
            reply = await peer.ReceiveAsync();
        }

        Assert.Equal(expected, reply.Status.Code);
        Assert.Equal(expected == RpcStatusCode.Ok ? 1 : 0, ran);
    }

    [Fact]
    public async Task Order_MiddlewareThenPolicyThenFilters()
    {
        List<string> order = [];
        await using TestServer server = await new Users().StartAsync(
            app =>
            {
                app.UseRpc(rpc => rpc.Use((call, next) =>
                {
                    order.Add($"middleware {call.User.Identity!.Name}");
                    return next(call);
                }));
                Map(app).RequireAuthorization("seen").AddRpcFilter((call, next) =>
                {
                    order.Add("filter");
                    return next(call);
                });
            },
            services => services.AddAuthorizationBuilder().AddPolicy("seen", policy => policy.RequireAssertion(context =>
            {
                order.Add($"policy {((RpcContext)context.Resource!).Name}");
                return context.User.Identity!.IsAuthenticated;
            })));
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);

        await ExpectAsync(peer, 1, null, RpcStatusCode.Unauthenticated, "");
        Assert.Equal(["middleware ", $"policy {Golden.Name}"], order);
        order.Clear();
        await ExpectAsync(peer, 2, Known, RpcStatusCode.Ok, "ann");
        Assert.Equal(["middleware ann", $"policy {Golden.Name}", "filter"], order);
    }

    [Fact]
    public async Task Middleware_SetsTheUser_PolicyJudgesThatOneForThisCallAlone()
    {
        await using TestServer server = await new Users().StartAsync(
            app =>
            {
                app.UseRpc(rpc => rpc.Use((call, next) =>
                {
                    if (call.RequestMetadata.GetValue("key") is { } key)
                    {
                        call.User = Users.Create(key);
                    }

                    return next(call);
                }));
                Map(app).RequireAuthorization("ops");
            },
            AddPolicies);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);

        await peer.SendAsync(Version2Frames.Hello(1, "x", new RpcCallHeader { Metadata = new RpcMetadata { { "key", "kim:ops" } } }));
        Assert.Equal("kim", (await peer.ReceiveResponseAsync(1)).Text);
        await ExpectAsync(peer, 2, null, RpcStatusCode.Unauthenticated, "");
    }

    [Fact]
    public async Task Handlers_ScopedOnes_ShareTheScopeOfTheCall()
    {
        await using TestServer server = await new Users().StartAsync(
            app => app.MapRpc(Golden.Name, (HelloRequest _, Visit visit) => new HelloReply { Msg = visit.Note }).RequireAuthorization(policy => policy.AddRequirements(new NamedAttribute("x"))),
            services => services.AddAuthorization().AddScoped<Visit>().AddScoped<IAuthorizationHandler, VisitHandler>());
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);

        await ExpectAsync(peer, 1, Known, RpcStatusCode.Ok, "handled for ann");
    }

    [Fact]
    public async Task Handler_Throws_CallFailsWithoutDetail()
    {
        await using TestServer server = await new Users().StartAsync(
            app => Map(app).RequireAuthorization(policy => policy.RequireAssertion(bool (_) => throw new InvalidOperationException("secret detail"))), AddPolicies);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);

        await peer.SendAsync(Version2Frames.Hello(1, "x", Users.Bearer(Known)));

        Assert.Equal(new RpcStatus(RpcStatusCode.Unknown, "The handler failed."), (await peer.ReceiveResponseAsync(1)).Status);
        Assert.Equal("secret detail", (await server.Logs.WaitForAsync(32)).Single(line => line.Id == 32).Exception?.Message);
    }

    [Fact]
    public async Task PolicyProvider_ChangesItsMind_NextCallIsJudgedAnew()
    {
        ChangingProvider provider = new();
        await using TestServer server = await new Users().StartAsync(
            app => Map(app), services => services.AddAuthorization().AddSingleton<IAuthorizationPolicyProvider>(provider));
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);

        await ExpectAsync(peer, 1, null, RpcStatusCode.Ok, "");
        provider.Fallback = new AuthorizationPolicyBuilder().RequireRole("ops").Build();
        await ExpectAsync(peer, 2, null, RpcStatusCode.Unauthenticated, "");
        await ExpectAsync(peer, 3, Operator, RpcStatusCode.Ok, "bob");
        provider.Fallback = new AuthorizationPolicyBuilder("Cookies").RequireRole("ops").Build();
        await ExpectAsync(peer, 4, Operator, RpcStatusCode.Unknown, "");
    }

    internal static void AddPolicies(IServiceCollection services) => services
        .AddSingleton<IAuthorizationHandler, SlowHandler>()
        .AddAuthorizationBuilder()
        .AddPolicy("ops", policy => policy.RequireRole("ops"))
        .AddPolicy("never", policy => policy.RequireAssertion(_ => false))
        .AddPolicy("slow", policy => policy.AddRequirements(new SlowRequirement()));

    private static RpcEndpointConventionBuilder Map(WebApplication app) => app.MapRpc(Golden.Name, (HelloRequest _, RpcContext call) => Who(call));

    private static HelloReply Who(RpcContext call) => new() { Msg = call.User.Identity?.Name ?? "" };

    private static async Task ExpectAsync(Version2Peer peer, uint id, string? token, RpcStatusCode code, string msg)
    {
        await peer.SendAsync(Version2Frames.Hello(id, "x", Users.Bearer(token)));
        Version2Reply reply = await peer.ReceiveResponseAsync(id);
        Assert.Equal(code, reply.Status.Code);
        if (code == RpcStatusCode.Ok)
        {
            Assert.Equal(msg, reply.Text);
        }
    }

    [Authorize]
    private static class Guarded
    {
        public static HelloReply Hello(HelloRequest request, RpcContext call) => Who(call);

        public static Func<HelloRequest, RpcContext, HelloReply> Lambda(string captured) => (_, call) => captured == "x" ? Who(call) : new HelloReply();
    }

    private class Service
    {
        public HelloReply Hello(HelloRequest request, RpcContext call) => Who(call);
    }

    [Authorize("ops")]
    private sealed class GuardedService : Service;

    // As an attribute is written that is a requirement, too: Microsoft's own example.
    [AttributeUsage(AttributeTargets.Method)]
    private sealed class NamedAttribute(string name) : AuthorizeAttribute, IAuthorizationRequirement, IAuthorizationRequirementData, IAuthorizationHandler
    {
        public IEnumerable<IAuthorizationRequirement> GetRequirements() => [this];

        public Task HandleAsync(AuthorizationHandlerContext context)
        {
            if (context.User.Identity!.Name == name)
            {
                context.Succeed(this);
            }

            return Task.CompletedTask;
        }
    }

    private sealed class SlowRequirement : IAuthorizationRequirement;

    private sealed class SlowHandler : AuthorizationHandler<SlowRequirement>
    {
        protected override async Task HandleRequirementAsync(AuthorizationHandlerContext context, SlowRequirement requirement)
        {
            await Task.Yield();
            if (context.User.IsInRole("ops"))
            {
                context.Succeed(requirement);
            }
        }
    }

    private sealed class Visit
    {
        public string Note { get; set; } = "";
    }

    private sealed class VisitHandler(Visit visit) : AuthorizationHandler<NamedAttribute>
    {
        protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, NamedAttribute requirement)
        {
            visit.Note = $"handled for {context.User.Identity!.Name}";
            context.Succeed(requirement);
            return Task.CompletedTask;
        }
    }

    private sealed class ChangingProvider : IAuthorizationPolicyProvider
    {
        public AuthorizationPolicy? Fallback { get; set; }

        public Task<AuthorizationPolicy> GetDefaultPolicyAsync() => throw new NotSupportedException();

        public Task<AuthorizationPolicy?> GetFallbackPolicyAsync() => Task.FromResult(Fallback);

        public Task<AuthorizationPolicy?> GetPolicyAsync(string policyName) => throw new NotSupportedException();
    }
}
