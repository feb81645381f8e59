using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Puts authorization in front of the end points that demand it. Decided once, when the host starts; an end point whose demand cannot be met
/// fails the start.
/// </summary>
internal static class RpcAuthorization
{
    /// <summary>What stands in front of an end point's filters; null if it demands nothing.</summary>
    /// <exception cref="InvalidOperationException">The demand cannot be enforced.</exception>
    public static Func<RpcDelegate, RpcDelegate>? Create(RpcMethodName name, EndpointMetadataCollection metadata, IServiceProvider services)
    {
        if (metadata.GetMetadata<IAllowAnonymous>() is not null)
        {
            return null;
        }

        RpcAuthorizationDemand demand = new(metadata);
        using IServiceScope scope = services.CreateScope();
        if (scope.ServiceProvider.GetService<IAuthorizationPolicyProvider>() is not { } provider
            || services.GetService<IServiceProviderIsService>()?.IsService(typeof(IAuthorizationService)) == false)
        {
            return demand.IsEmpty ? null : throw new InvalidOperationException(
                $"The RPC method '{name}' demands {demand.Description}, and nothing is registered that could enforce it. Call "
                + "builder.Services.AddAuthorization().");
        }

        AuthorizationPolicy? policy = Combine(name, demand, provider);
        if (policy is not null)
        {
            ThrowIfSchemes(name, demand, policy);
        }

        if (provider.AllowsCachingPolicies)
        {
            return policy is null ? null : next => RpcStep.Create(new RpcAuthorizationStep(policy, FindShared(services)).InvokeAsync, next);
        }

        // The provider may change its mind, also about what is demanded where nothing is said.
        RpcChangingPolicy changing = new(name, demand);
        return next => RpcStep.Create(changing.InvokeAsync, next);
    }

    /// <summary>Refuses policies that say how callers are to be authenticated: schemes work on HTTP requests, of which there is none.</summary>
    public static void ThrowIfSchemes(RpcMethodName name, RpcAuthorizationDemand demand, AuthorizationPolicy policy)
    {
        if (policy.AuthenticationSchemes.Count > 0)
        {
            throw new InvalidOperationException(
                $"The RPC method '{name}' demands {demand.Description} with the authentication scheme '{string.Join("' and '", policy.AuthenticationSchemes)}'. "
                + "Schemes authenticate HTTP requests and cannot run for RPC calls, so the method is not served at all. Take the scheme out of the policy: "
                + "callers of RPC are who an IRpcConnectionAuthenticator or IRpcCallAuthenticator says they are.");
        }
    }

    // The framework's provider has all policies in memory; another one may have to be waited for, once.
    private static AuthorizationPolicy? Combine(RpcMethodName name, RpcAuthorizationDemand demand, IAuthorizationPolicyProvider provider)
    {
        try
        {
            return demand.CombineAsync(provider).GetAwaiter().GetResult();
        }
        catch (Exception exception)
        {
            // There is no such policy, or the provider is the application's and has failed.
            throw new InvalidOperationException($"The RPC method '{name}' demands {demand.Description}: {exception.Message}", exception);
        }
    }

    // One for all calls, if nothing that it is made of belongs to a scope: then calls with a simple policy need none.
    private static IAuthorizationService? FindShared(IServiceProvider services)
    {
        RpcServiceRegistrations registrations = services.GetRequiredService<RpcServiceRegistrations>();
        Type[] parts =
        [
            typeof(IAuthorizationService), typeof(IAuthorizationHandlerProvider), typeof(IAuthorizationHandlerContextFactory),
            typeof(IAuthorizationEvaluator), typeof(IAuthorizationPolicyProvider), typeof(IAuthorizationHandler),
        ];
        return parts.All(part => registrations.AreSingletonsOrOf(part, typeof(DefaultAuthorizationService).Assembly))
            ? services.GetRequiredService<IAuthorizationService>()
            : null;
    }
}
