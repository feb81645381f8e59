using System.Diagnostics.CodeAnalysis;
using System.Security.Claims;

namespace Kestrel.Rpc.Middleware;

/// <summary>What an <see cref="IRpcConnectionAuthenticator"/> or an <see cref="IRpcCallAuthenticator"/> has decided. The default value is a refusal.</summary>
public readonly struct RpcAuthentication
{
    private const string NoReason = "The connection is not accepted.";

    private RpcAuthentication(ClaimsPrincipal? user, string? reason, DateTimeOffset? validUntil = null)
    {
        User = user;
        Reason = reason;
        ValidUntil = validUntil;
    }

    /// <summary>Whether the connection, or the call, is accepted.</summary>
    [MemberNotNullWhen(true, nameof(User))]
    public bool IsAccepted => User is not null;

    /// <summary>Who the peer is; <see langword="null"/> with a refusal.</summary>
    public ClaimsPrincipal? User { get; }

    /// <summary>What the peer is told of a refusal.</summary>
    public string Reason => field ?? NoReason;

    /// <summary>
    /// Until when credentials of calls are remembered as accepted, if that is before <see cref="RpcAuthenticationOptions.CachedCredentialsLifetime"/> has
    /// passed; <see langword="null"/> if nothing ends it sooner. A connection that was accepted stays so.
    /// </summary>
    public DateTimeOffset? ValidUntil { get; }

    /// <summary>Accepts the connection or the call.</summary>
    /// <param name="user">Who the peer is: <see cref="RpcContext.User"/> of its calls.</param>
    public static RpcAuthentication Accept(ClaimsPrincipal user)
    {
        ArgumentNullException.ThrowIfNull(user);
        return new RpcAuthentication(user, null);
    }

    /// <summary>Accepts a call whose credentials end, such as a token with a lifetime.</summary>
    /// <param name="user">Who makes it.</param>
    /// <param name="validUntil">When the credentials end, by the host's <see cref="TimeProvider"/>.</param>
    public static RpcAuthentication Accept(ClaimsPrincipal user, DateTimeOffset validUntil)
    {
        ArgumentNullException.ThrowIfNull(user);
        return new RpcAuthentication(user, null, validUntil);
    }

    /// <summary>Refuses the connection or the call.</summary>
    /// <param name="reason">One sentence for the peer; it should not help one that guesses.</param>
    public static RpcAuthentication Refuse(string reason = NoReason) => new(null, reason);
}
