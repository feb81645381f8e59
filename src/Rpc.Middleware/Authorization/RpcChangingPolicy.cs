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
        if (await demand.CombineAsync(provider).ConfigureAwait(false) is not { } policy)
        {
            await next(call).ConfigureAwait(false);
            return;
        }

        RpcAuthorization.ThrowIfSchemes(name, demand, policy);
        await new RpcAuthorizationStep(policy, shared: null).InvokeAsync(call, next).ConfigureAwait(false);
    }
}
