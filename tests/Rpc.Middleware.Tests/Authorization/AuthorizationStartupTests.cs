using Hello;
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
        ["unknown policy"] = (method => method.RequireAuthorization("nobody"), ["'nobody'", "not found"]),
    };

    public static TheoryData<string> Names => [.. Faults.Keys];

    [Theory, MemberData(nameof(Names))]
    public async Task Demand_CannotBeMet_FailsAtStart(string fault)
    {
        (Action<RpcEndpointConventionBuilder> guard, string[] words) = Faults[fault];

        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(() => new Users().StartAsync(
            app => guard(app.MapHello()),
            services => services.AddAuthorizationBuilder().AddPolicy("web", policy => policy.AddAuthenticationSchemes("Cookies").RequireAuthenticatedUser())));

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
}
