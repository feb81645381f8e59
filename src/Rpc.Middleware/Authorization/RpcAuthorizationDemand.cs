using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;

namespace Kestrel.Rpc.Middleware;

/// <summary>What the metadata of an end point demands of its callers, as ASP.NET Core's authorization reads it. Immutable.</summary>
internal sealed class RpcAuthorizationDemand
{
    private readonly IReadOnlyList<IAuthorizeData> _data;
    private readonly IReadOnlyList<AuthorizationPolicy> _policies;
    private readonly List<IAuthorizationRequirement> _requirements = [];

    public RpcAuthorizationDemand(EndpointMetadataCollection metadata)
    {
        _data = metadata.GetOrderedMetadata<IAuthorizeData>();
        _policies = metadata.GetOrderedMetadata<AuthorizationPolicy>();
        foreach (object item in metadata)
        {
            // An attribute may be a requirement and the one who lists it.
            if (item is IAuthorizationRequirementData source)
            {
                _requirements.AddRange(source.GetRequirements());
            }
            else if (item is IAuthorizationRequirement requirement)
            {
                _requirements.Add(requirement);
            }
        }
    }

    public bool IsEmpty => _data.Count == 0 && _policies.Count == 0 && _requirements.Count == 0;

    /// <summary>How it is called in messages: the policies by name, or that there is something to authorize.</summary>
    public string Description
    {
        get
        {
            string[] names = [.. _data.Select(data => data.Policy).OfType<string>().Where(name => name.Length > 0).Distinct(StringComparer.Ordinal)];
            return names.Length > 0 ? $"the policy '{string.Join("' and '", names)}'" : IsEmpty ? "the application's FallbackPolicy" : "authorization";
        }
    }

    public static bool IsDemand(object item) =>
        item is IAuthorizeData or AuthorizationPolicy or IAuthorizationRequirementData or IAuthorizationRequirement;

    /// <summary>Makes one policy of all, as the middleware of HTTP does: where nothing is demanded it is the fallback policy.</summary>
    /// <returns>The policy; null if nothing is demanded.</returns>
    public async Task<AuthorizationPolicy?> CombineAsync(IAuthorizationPolicyProvider provider)
    {
        AuthorizationPolicy? policy = await AuthorizationPolicy.CombineAsync(provider, _data, _policies).ConfigureAwait(false);
        if (_requirements.Count == 0)
        {
            return policy;
        }

        AuthorizationPolicyBuilder builder = policy is null ? new() : new(policy);
        return builder.AddRequirements([.. _requirements]).Build();
    }
}
