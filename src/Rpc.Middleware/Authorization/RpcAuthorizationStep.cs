using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware;

/// <summary>Lets through who meets a policy. Any thread, many calls at once.</summary>
/// <param name="policy">The policy.</param>
/// <param name="shared">Who evaluates it, if one can do so for all calls; else it is taken from each call's services.</param>
internal sealed class RpcAuthorizationStep(AuthorizationPolicy policy, IAuthorizationService? shared)
{
    private const string NobodyKnown = "The method demands to know who calls.";
    private const string NotAllowed = "The caller is not allowed to call the method.";

    /// <summary>Goes on with the call, or fails it with UNAUTHENTICATED if nobody is signed in, else with PERMISSION_DENIED.</summary>
    public ValueTask InvokeAsync(RpcContext call, RpcDelegate next)
    {
        IAuthorizationService service = shared ?? call.RequestServices.GetRequiredService<IAuthorizationService>();
        Task<AuthorizationResult> asked = service.AuthorizeAsync(call.User, call, policy.Requirements);
        return asked.IsCompletedSuccessfully ? Finish(asked.Result, call, next) : WaitAsync(asked, call, next);
    }

    // Nobody may give up waiting here: the handlers have the call. They see its CancellationToken.
    private static async ValueTask WaitAsync(Task<AuthorizationResult> asked, RpcContext call, RpcDelegate next)
    {
        AuthorizationResult result = await asked.ConfigureAwait(false);
        if (result.Succeeded)
        {
            await RpcResumption.Of(call);
        }

        await Finish(result, call, next).ConfigureAwait(false);
    }

    private static ValueTask Finish(AuthorizationResult result, RpcContext call, RpcDelegate next)
    {
        if (result.Succeeded)
        {
            return next(call);
        }

        // Why it failed is the application's to know; the service has logged it.
        return ValueTask.FromException(call.User.Identities.Any(identity => identity.IsAuthenticated)
            ? new RpcException(RpcStatusCode.PermissionDenied, NotAllowed)
            : new RpcException(RpcStatusCode.Unauthenticated, NobodyKnown));
    }
}
