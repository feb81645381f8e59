using System.Security.Claims;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Callers whose token says who they are: <c>Bearer name</c>, or <c>Bearer name:role</c>. The token "bad" is refused.</summary>
internal sealed class Users : IRpcCallAuthenticator
{
    private int _asked;

    public int Asked => Volatile.Read(ref _asked);

    /// <summary>What to do in place of answering at once.</summary>
    public Func<RpcAuthenticationContext, CancellationToken, ValueTask<RpcAuthentication>>? Answer { get; init; }

    public static ClaimsPrincipal Create(string token)
    {
        string[] words = token.Split(':');
        ClaimsIdentity identity = new("test");
        identity.AddClaim(new Claim(ClaimTypes.Name, words[0]));
        identity.AddClaims(words[1..].Select(role => new Claim(ClaimTypes.Role, role)));
        return new ClaimsPrincipal(identity);
    }

    public static RpcCallHeader Bearer(string? token) =>
        token is null ? default : new RpcCallHeader { Metadata = new RpcMetadata { { "authorization", $"Bearer {token}" } } };

    public ValueTask<RpcAuthentication> AuthenticateAsync(RpcAuthenticationContext context, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _asked);
        return Answer is not null ? Answer(context, cancellationToken)
            : new(context.BearerToken is { } token and not "bad" ? RpcAuthentication.Accept(Create(token)) : RpcAuthentication.Refuse("The token is not known."));
    }

    /// <summary>A server of version 2 whose callers have such tokens, with Hello answering who calls.</summary>
    public Task<TestServer> StartAsync(
        Action<WebApplication> app, Action<IServiceCollection>? services = null, Action<RpcServerOptions>? rpc = null) =>
        TestServer.StartAsync(new TestServerSetup
        {
            Rpc = rpc,
            Services = collection =>
            {
                collection.AddSingleton<IRpcCallAuthenticator>(this);
                services?.Invoke(collection);
            },
            App = app,
        });
}
