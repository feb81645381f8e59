namespace Kestrel.Rpc.Middleware;

/// <summary>How credentials of calls are treated. Without an <see cref="IRpcCallAuthenticator"/> only the first has a meaning.</summary>
public sealed class RpcAuthenticationOptions
{
    /// <summary>The key of the metadata that has the credentials, in any case. Default <c>authorization</c>; not a key that ends in <c>-bin</c>.</summary>
    public string CredentialsKey { get; set; } = "authorization";

    /// <summary>
    /// How many accepted credentials a connection remembers, as hashes, so that each is verified once and not with every call. The oldest gives way. Default 0:
    /// every call is verified; at most 1,024. Refusals are not remembered.
    /// </summary>
    public int CachedCredentialsPerConnection { get; set; }

    /// <summary>
    /// How long accepted credentials are remembered at most; <see cref="RpcAuthentication.ValidUntil"/> may end it sooner. Until then nobody asks whether they were
    /// revoked. Default 1 minute; more than zero, at most 49 days.
    /// </summary>
    public TimeSpan CachedCredentialsLifetime { get; set; } = TimeSpan.FromMinutes(1);
}
