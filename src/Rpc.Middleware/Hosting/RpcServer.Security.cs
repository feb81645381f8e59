using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware;

/// <content>Who makes calls.</content>
internal sealed partial class RpcServer
{
    private int _cachedCredentials; // for each connection; as the next, what the options said at the start
    private TimeSpan _cachedCredentialsLifetime;

    /// <summary>Whether connections remember credentials of their calls that were accepted.</summary>
    public bool RemembersCredentials => _cachedCredentials > 0;

    /// <summary>Makes what a connection remembers of its calls' credentials.</summary>
    public RpcCredentialCache CreateCredentialCache() =>
        new(_cachedCredentials, _cachedCredentialsLifetime, timeProvider);

    // Null if nobody verifies calls.
    private RpcCallAuthentication? CreateAuthentication()
    {
        _cachedCredentials = Options.Authentication.CachedCredentialsPerConnection;
        _cachedCredentialsLifetime = Options.Authentication.CachedCredentialsLifetime;
        return services.GetService<IRpcCallAuthenticator>() is { } authenticator ? new RpcCallAuthentication(this, authenticator) : null;
    }
}
