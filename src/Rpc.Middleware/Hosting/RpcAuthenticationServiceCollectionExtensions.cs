using System.Diagnostics.CodeAnalysis;
using Kestrel.Rpc.Middleware;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers who says who the callers are.</summary>
public static class RpcAuthenticationServiceCollectionExtensions
{
    /// <summary>
    /// Has calls with credentials of their own verified: bearer tokens in the metadata <c>authorization</c>, or what
    /// <see cref="RpcAuthenticationOptions.CredentialsKey"/> says. The last authenticator added counts. Needs <c>AddRpc</c> too.
    /// </summary>
    /// <typeparam name="TAuthenticator">Who verifies: one object for the server, with services that are no scoped ones.</typeparam>
    /// <param name="services">The services of the host that runs Kestrel.</param>
    public static IServiceCollection AddRpcCallAuthenticator<
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TAuthenticator>(this IServiceCollection services)
        where TAuthenticator : class, IRpcCallAuthenticator
    {
        ArgumentNullException.ThrowIfNull(services);
        return services.AddSingleton<IRpcCallAuthenticator, TAuthenticator>();
    }

    /// <summary>
    /// Has the client certificate of a TLS connection say who the peer is, once for each connection. Whether certificates are asked for, and which
    /// ones are trusted, is the end point's <c>UseHttps</c> to say (<c>ClientCertificateMode</c>); this adds no trust of its own. It takes the place of an
    /// authenticator of <c>AddRpcConnectionAuthenticator</c> added before. Needs <c>AddRpc</c> too.
    /// </summary>
    /// <param name="services">The services of the host that runs Kestrel.</param>
    /// <param name="configure">Changes the options; may be <see langword="null"/>.</param>
    public static IServiceCollection AddRpcCertificateAuthentication(
        this IServiceCollection services, Action<RpcCertificateOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        OptionsBuilder<RpcCertificateOptions> options = services.AddOptions<RpcCertificateOptions>();
        if (configure is not null)
        {
            options.Configure(configure);
        }

        return services.AddSingleton<IRpcConnectionAuthenticator, RpcCertificateAuthenticator>();
    }
}
