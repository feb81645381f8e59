using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware;

/// <content>Who makes calls.</content>
internal sealed partial class RpcServer
{
    /// <summary>Whether connections remember credentials of their calls that were accepted.</summary>
    public bool RemembersCredentials => Options.Authentication.CachedCredentialsPerConnection > 0;

    /// <summary>Makes what a connection remembers of its calls' credentials.</summary>
    public RpcCredentialCache CreateCredentialCache() =>
        new(Options.Authentication.CachedCredentialsPerConnection, Options.Authentication.CachedCredentialsLifetime, timeProvider);

    // Null if nobody verifies calls.
    private RpcCallAuthentication? CreateAuthentication() =>
        services.GetService<IRpcCallAuthenticator>() is { } authenticator ? new RpcCallAuthentication(this, authenticator) : null;
}
