using System.Diagnostics.CodeAnalysis;
using Kestrel.Rpc.Middleware;

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
}
