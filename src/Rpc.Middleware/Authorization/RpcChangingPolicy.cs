using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware;

/// <summary>Asks for the policy anew for each call: for providers that do not let their policies be kept.</summary>
internal sealed class RpcChangingPolicy(RpcMethodName name, RpcAuthorizationDemand demand)
{
    public async ValueTask InvokeAsync(RpcContext call, RpcDelegate next)
    {
        IAuthorizationPolicyProvider provider = call.RequestServices.GetRequiredService<IAuthorizationPolicyProvider>();
        Task<AuthorizationPolicy?> asked = demand.CombineAsync(provider);
        bool isWaited = !asked.IsCompleted;
        AuthorizationPolicy? policy = await asked.ConfigureAwait(false);
        if (isWaited)
        {
            await RpcResumption.Of(call);
        }

        if (policy is null)
        {
            await next(call).ConfigureAwait(false);
            return;
        }

        RpcAuthorization.ThrowIfSchemes(name, demand, policy);
        await new RpcAuthorizationStep(policy, shared: null).InvokeAsync(call, next).ConfigureAwait(false);
    }
}
