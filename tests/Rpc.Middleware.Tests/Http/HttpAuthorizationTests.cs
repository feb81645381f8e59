using System.Net;
using System.Security.Claims;
using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Over HTTP, a method is never served with less than it demands.</summary>
public sealed class HttpAuthorizationTests
{
    [Fact]
    public async Task Policy_WithoutSchemesOfHttp_IsEnforcedByThePipeline()
    {
        await using HttpPeer peer = await HttpPeer.StartAsync(
            app => MapWho(app).RequireAuthorization("admins").WithHttp(),
            services => AddPolicy(services).AddSingleton<IRpcCallAuthenticator>(new Users()));

        HttpAnswer nobody = await peer.PostAsync(HttpPeer.Hello, "{}");
        HttpAnswer somebody = await peer.PostAsync(HttpPeer.Hello, "{}", ("Authorization", "Bearer ann"));
        HttpAnswer admin = await peer.PostAsync(HttpPeer.Hello, "{}", ("Authorization", "Bearer bob:admin"));
        HttpAnswer refused = await peer.PostAsync(HttpPeer.Hello, "{}", ("Authorization", "Bearer bad"));

        Assert.Equal((HttpStatusCode.Unauthorized, "UNAUTHENTICATED"), (nobody.Status, nobody.Code));
        Assert.Equal((HttpStatusCode.Forbidden, "PERMISSION_DENIED"), (somebody.Status, somebody.Code));
        Assert.Equal((HttpStatusCode.OK, """{ "msg": "bob" }"""), (admin.Status, admin.Text));
        Assert.Equal((HttpStatusCode.Unauthorized, "UNAUTHENTICATED"), (refused.Status, refused.Code));
    }

    [Fact]
    public async Task Policy_WithSchemesOfHttp_TheirUserIsTheCaller()
    {
        Users users = new();
        await using HttpPeer peer = await HttpPeer.StartAsync(
            app =>
            {
                app.UseAuthentication();
                app.UseAuthorization();
                MapWho(app).RequireAuthorization("admins").WithHttp();
            },
            services =>
            {
                AddPolicy(services).AddSingleton<IRpcCallAuthenticator>(users);
                services.AddAuthentication("names").AddScheme<AuthenticationSchemeOptions, ByName>("names", null);
            });

        HttpAnswer nobody = await peer.PostAsync(HttpPeer.Hello, "{}", ("Authorization", "Bearer bob:admin"));
        HttpAnswer somebody = await peer.PostAsync(HttpPeer.Hello, "{}", ("x-name", "ann"));
        HttpAnswer admin = await peer.PostAsync(HttpPeer.Hello, "{}", ("x-name", "bob:admin"));

        Assert.Equal(HttpStatusCode.Unauthorized, nobody.Status);
        Assert.Equal("names", nobody.Header("WWW-Authenticate")); // HTTP's own challenge
        Assert.Equal(HttpStatusCode.Forbidden, somebody.Status);
        Assert.Equal((HttpStatusCode.OK, """{ "msg": "bob" }"""), (admin.Status, admin.Text));
        Assert.Equal(0, users.Asked);
    }

    [Fact]
    public async Task Policy_HttpMiddlewareTakenOut_IsEnforcedAllTheSame()
    {
        await using HttpPeer peer = await HttpPeer.StartAsync(
            app =>
            {
                app.UseAuthentication();
                MapWho(app).RequireAuthorization("admins").WithHttp();
            },
            services =>
            {
                AddPolicy(services).AddAuthentication("names").AddScheme<AuthenticationSchemeOptions, ByName>("names", null);
                services.AddSingleton<IAuthorizationMiddlewareResultHandler, LetsEverybodyThrough>();
            });

        HttpAnswer somebody = await peer.PostAsync(HttpPeer.Hello, "{}", ("x-name", "ann"));
        HttpAnswer admin = await peer.PostAsync(HttpPeer.Hello, "{}", ("x-name", "bob:admin"));

        Assert.Equal((HttpStatusCode.Forbidden, "PERMISSION_DENIED"), (somebody.Status, somebody.Code));
        Assert.Equal(HttpStatusCode.OK, admin.Status);
    }

    [Theory]
    [InlineData(false, HttpStatusCode.Unauthorized)]
    [InlineData(true, HttpStatusCode.OK)]
    public async Task FallbackPolicy_HoldsUnlessTheMethodIsOpen(bool isOpen, HttpStatusCode expected)
    {
        await using HttpPeer peer = await HttpPeer.StartAsync(
            app =>
            {
                RpcEndpointConventionBuilder method = MapWho(app).WithHttp();
                if (isOpen)
                {
                    method.AllowAnonymous();
                }
            },
            services => services.AddAuthorizationBuilder().SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build()));

        Assert.Equal(expected, (await peer.PostAsync(HttpPeer.Hello, "{}")).Status);
    }

    [Fact]
    public async Task DemandOfTheRoute_CountsBesideThoseOfTheMethod()
    {
        await using HttpPeer peer = await HttpPeer.StartAsync(
            app =>
            {
                app.UseAuthentication();
                app.UseAuthorization();
                MapWho(app).WithHttp();
                app.MapGroup("/closed").RequireAuthorization("admins").MapRpcHttp();
                app.MapRpcHttp("/own").RequireAuthorization("admins");
                app.MapRpcHttp("/open");
            },
            services => AddPolicy(services).AddAuthentication("names").AddScheme<AuthenticationSchemeOptions, ByName>("names", null),
            mapsHttp: false);

        Assert.Equal(HttpStatusCode.Forbidden, (await peer.PostAsync("/closed/helloworld/Hello", "{}", ("x-name", "ann"))).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await peer.PostAsync("/own/helloworld/Hello", "{}", ("x-name", "ann"))).Status);
        Assert.Equal(HttpStatusCode.OK, (await peer.PostAsync("/own/helloworld/Hello", "{}", ("x-name", "ann:admin"))).Status);
        Assert.Equal(HttpStatusCode.OK, (await peer.PostAsync("/open/helloworld/Hello", "{}")).Status);
    }

    [Theory]
    [InlineData("good", HttpStatusCode.OK)]
    [InlineData("bad", HttpStatusCode.Unauthorized)]
    [InlineData("broken", HttpStatusCode.Unauthorized)]
    public async Task ConnectionAuthenticator_IsAskedForEachRequest(string token, HttpStatusCode expected)
    {
        Doorkeeper keeper = new();
        await using HttpPeer peer = await HttpPeer.StartAsync(
            app => MapWho(app).WithHttp(), services => services.AddSingleton<IRpcConnectionAuthenticator>(keeper));

        await peer.PostAsync(HttpPeer.Hello, "{}", ("Authorization", "Bearer good"));
        HttpAnswer answer = await peer.PostAsync(HttpPeer.Hello, "{}", ("Authorization", $"Bearer {token}"));

        Assert.Equal(expected, answer.Status);
        Assert.Equal(2, keeper.Asked);
        Assert.DoesNotContain("secret", answer.Text, StringComparison.Ordinal);
        Assert.Equal(expected == HttpStatusCode.OK, answer.Text.Contains("good", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Credentials_MoreThanOnce_AreRefused()
    {
        await using HttpPeer peer = await HttpPeer.StartAsync(
            app => MapWho(app).WithHttp(),
            services => services.AddSingleton<IRpcCallAuthenticator>(new Users()),
            options => options.Authentication.CredentialsKey = "x-token");

        string once = await peer.SendRawAsync("x-token: Bearer a\r\n");
        string twice = await peer.SendRawAsync("x-token: Bearer a\r\nX-Token: Bearer b\r\n"); // a client of HTTP would join them

        Assert.Equal("HTTP/1.1 200 OK", once);
        Assert.Equal("HTTP/1.1 401 Unauthorized", twice);
    }

    private static RpcEndpointConventionBuilder MapWho(WebApplication app) =>
        app.MapRpc(Golden.Name, (HelloRequest _, RpcContext call) => new HelloReply { Msg = call.User.Identity?.Name ?? "" });

    private static IServiceCollection AddPolicy(IServiceCollection services) =>
        services.AddAuthorizationBuilder().AddPolicy("admins", policy => policy.RequireRole("admin")).Services;

    private sealed class ByName(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, System.Text.Encodings.Web.UrlEncoder encoder)
        : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
    {
        protected override Task<AuthenticateResult> HandleAuthenticateAsync() => Task.FromResult(
            Request.Headers["x-name"].ToString() is { Length: > 0 } name
                ? AuthenticateResult.Success(new AuthenticationTicket(Users.Create(name), "names"))
                : AuthenticateResult.NoResult());

        protected override Task HandleChallengeAsync(AuthenticationProperties properties)
        {
            Response.Headers.WWWAuthenticate = "names";
            return base.HandleChallengeAsync(properties);
        }
    }

    private sealed class LetsEverybodyThrough : IAuthorizationMiddlewareResultHandler
    {
        public Task HandleAsync(
            RequestDelegate next, HttpContext context, AuthorizationPolicy policy, Microsoft.AspNetCore.Authorization.Policy.PolicyAuthorizationResult authorizeResult) => next(context);
    }

    private sealed class Doorkeeper : IRpcConnectionAuthenticator
    {
        private int _asked;

        public int Asked => Volatile.Read(ref _asked);

        public ValueTask<RpcAuthentication> AuthenticateAsync(RpcAuthenticationContext context, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _asked);
            return context.BearerToken switch
            {
                "good" => new(RpcAuthentication.Accept(Users.Create("good"))),
                "broken" => throw new InvalidOperationException("secret"),
                _ => new(RpcAuthentication.Refuse()),
            };
        }
    }
}
