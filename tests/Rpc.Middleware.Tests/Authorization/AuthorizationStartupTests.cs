using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Demands that cannot be met fail the start, with the method and the policy named.</summary>
public sealed class AuthorizationStartupTests
{
    private static readonly Dictionary<string, (Action<RpcEndpointConventionBuilder> Guard, string[] Words)> Faults = new()
    {
        ["policy with a scheme"] = (method => method.RequireAuthorization("web"), ["'web'", "scheme 'Cookies'"]),
        ["attribute with a scheme"] = (method => method.RequireAuthorization(new AuthorizeAttribute { AuthenticationSchemes = "Bearer" }), ["scheme 'Bearer'"]),
        ["builder with schemes"] = (method => method.RequireAuthorization(policy => policy.AddAuthenticationSchemes("A", "B").RequireAuthenticatedUser()), ["scheme 'A' and 'B'"]),
        ["attributes of two schemes"] = (method => method.RequireAuthorization(new AuthorizeAttribute { AuthenticationSchemes = "A, B" }), ["scheme 'A' and 'B'"]),
        ["policy object with a scheme"] = (method => method.RequireAuthorization(new AuthorizationPolicyBuilder("Jwt").RequireAuthenticatedUser().Build()), ["scheme 'Jwt'"]),
        ["policy with a scheme among others"] = (method => method.RequireAuthorization("free").RequireAuthorization("web"), ["'free' and 'web'", "scheme 'Cookies'"]),
        ["policy with a scheme, and roles"] = (method => method.RequireAuthorization(new AuthorizeAttribute("web") { Roles = "ops" }), ["'web'", "scheme 'Cookies'"]),
        ["metadata with a scheme"] = (method => method.WithMetadata(new AuthorizeAttribute { AuthenticationSchemes = "Bearer" }), ["scheme 'Bearer'"]),
        ["unknown policy"] = (method => method.RequireAuthorization("nobody"), ["'nobody'", "not found"]),
    };

    public static TheoryData<string> Names => [.. Faults.Keys];

    [Theory, MemberData(nameof(Names))]
    public async Task Demand_CannotBeMet_FailsAtStart(string fault)
    {
        (Action<RpcEndpointConventionBuilder> guard, string[] words) = Faults[fault];

        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(() => new Users().StartAsync(
            app => guard(app.MapHello()),
            services => services.AddAuthorizationBuilder().AddPolicy("web", policy => policy.AddAuthenticationSchemes("Cookies").RequireAuthenticatedUser())
                .AddPolicy("free", policy => policy.RequireAuthenticatedUser())));

        Assert.Contains($"'{Golden.Name}'", error.Message, StringComparison.Ordinal);
        Assert.All(words, word => Assert.Contains(word, error.Message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task FallbackPolicy_WithAScheme_FailsAtStart()
    {
        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(() => new Users().StartAsync(
            app => app.MapHello(),
            services => services.AddAuthorization(options => options.FallbackPolicy = new AuthorizationPolicyBuilder("Cookies").RequireAuthenticatedUser().Build())));

        Assert.Contains("FallbackPolicy", error.Message, StringComparison.Ordinal);
        Assert.Contains("scheme 'Cookies'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DefaultPolicy_WithAScheme_FailsAtStart()
    {
        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(() => new Users().StartAsync(
            app => app.MapHello().RequireAuthorization(),
            services => services.AddAuthorization(options => options.DefaultPolicy = new AuthorizationPolicyBuilder("Cookies").RequireAuthenticatedUser().Build())));

        Assert.Contains($"'{Golden.Name}' demands authorization with the authentication scheme 'Cookies'", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true), InlineData(false)]
    public async Task Provider_OfTheApplication_WithAScheme_FailsAtStart(bool isKept)
    {
        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(() => new Users().StartAsync(
            app => app.MapHello().RequireAuthorization("made up"),
            services => services.AddAuthorization().AddSingleton<IAuthorizationPolicyProvider>(new Provider(isKept) { Scheme = "Jwt" })));

        Assert.Contains($"'{Golden.Name}' demands the policy 'made up' with the authentication scheme 'Jwt'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Provider_ThatFails_FailsAtStartWithTheMethod()
    {
        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(() => new Users().StartAsync(
            app => app.MapHello().RequireAuthorization("made up"),
            services => services.AddAuthorization().AddSingleton<IAuthorizationPolicyProvider>(new Provider(true) { Fails = true })));

        Assert.Contains($"'{Golden.Name}' demands the policy 'made up': no database", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Provider_TakesAnotherPolicyLater_WithASchemeNobodyIsServed()
    {
        Provider provider = new(false);
        await using TestServer server = await new Users().StartAsync(
            app => app.MapHello().RequireAuthorization("made up"),
            services => services.AddAuthorization().AddSingleton<IAuthorizationPolicyProvider>(provider));
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Version2Frames.Hello(1, "x", Users.Bearer("ann")));
        Assert.Equal(RpcStatus.Ok, (await peer.ReceiveResponseAsync(1)).Status);

        provider.Scheme = "Jwt";
        await peer.SendAsync(Version2Frames.Hello(2, "x", Users.Bearer("ann")));

        Assert.Equal(RpcStatusCode.Unknown, (await peer.ReceiveResponseAsync(2)).Status.Code);
        LogLine line = Assert.Single(server.Logs.Ours, line => line.Id == 32);
        Assert.Contains("scheme 'Jwt'", line.Exception!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Attributes_OfTheHandlerAndItsClass_WithASchemeFailAtStart()
    {
        foreach (Action<WebApplication> map in new Action<WebApplication>[]
        {
            app => app.MapRpc(Golden.Name, [Authorize(AuthenticationSchemes = "Bearer")] (HelloRequest request) => new HelloReply()),
            app => app.MapRpc(Golden.Name, Guarded.Hello),
        })
        {
            InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(() => new Users().StartAsync(map, services => services.AddAuthorization()));

            Assert.Contains($"'{Golden.Name}'", error.Message, StringComparison.Ordinal);
            Assert.Contains("scheme 'Bearer'", error.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("Authentication.CredentialsKey")]
    [InlineData("Authentication.CachedCredentialsPerConnection")]
    [InlineData("Authentication.CachedCredentialsLifetime")]
    public async Task Options_OutOfRange_FailAtStartWithTheirKey(string key)
    {
        Exception error = await Assert.ThrowsAnyAsync<Exception>(() => TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options =>
            {
                options.Authentication.CredentialsKey = key.EndsWith("Key", StringComparison.Ordinal) ? "token-bin" : "authorization";
                options.Authentication.CachedCredentialsPerConnection = key.EndsWith("Connection", StringComparison.Ordinal) ? 1025 : 0;
                options.Authentication.CachedCredentialsLifetime = TimeSpan.FromSeconds(key.EndsWith("Lifetime", StringComparison.Ordinal) ? 0 : 1);
            },
        }));

        Assert.Contains($"RpcServerOptions.{key} ", error.Message, StringComparison.Ordinal);
    }

    [Authorize(AuthenticationSchemes = "Bearer")]
    private static class Guarded
    {
        public static HelloReply Hello(HelloRequest request) => new() { Msg = request.Msg };
    }

    private sealed class Provider(bool isKept) : IAuthorizationPolicyProvider
    {
        public string? Scheme { get; set; }

        public bool Fails { get; init; }

        public bool AllowsCachingPolicies => isKept;

        public Task<AuthorizationPolicy?> GetPolicyAsync(string policyName) => Fails
            ? Task.FromException<AuthorizationPolicy?>(new IOException("no database"))
            : Task.FromResult<AuthorizationPolicy?>(new AuthorizationPolicyBuilder(Scheme is null ? [] : [Scheme]).RequireAuthenticatedUser().Build());

        public Task<AuthorizationPolicy> GetDefaultPolicyAsync() => GetPolicyAsync("")!;

        public Task<AuthorizationPolicy?> GetFallbackPolicyAsync() => Task.FromResult<AuthorizationPolicy?>(null);
    }
}
