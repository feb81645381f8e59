using System.Diagnostics.CodeAnalysis;
using System.Security.Claims;

namespace Kestrel.Rpc.Middleware;

/// <summary>What an <see cref="IRpcConnectionAuthenticator"/> has decided. The default value is a refusal.</summary>
public readonly struct RpcAuthentication
{
    private const string NoReason = "The connection is not accepted.";

    private RpcAuthentication(ClaimsPrincipal? user, string? reason)
    {
        User = user;
        Reason = reason;
    }

    /// <summary>Whether the connection is accepted.</summary>
    [MemberNotNullWhen(true, nameof(User))]
    public bool IsAccepted => User is not null;

    /// <summary>Who the peer is; <see langword="null"/> with a refusal.</summary>
    public ClaimsPrincipal? User { get; }

    /// <summary>What the peer is told of a refusal.</summary>
    public string Reason => field ?? NoReason;

    /// <summary>Accepts the connection.</summary>
    /// <param name="user">Who the peer is: <see cref="RpcContext.User"/> of its calls.</param>
    public static RpcAuthentication Accept(ClaimsPrincipal user)
    {
        ArgumentNullException.ThrowIfNull(user);
        return new RpcAuthentication(user, null);
    }

    /// <summary>Refuses the connection.</summary>
    /// <param name="reason">One sentence for the peer; it should not help one that guesses.</param>
    public static RpcAuthentication Refuse(string reason = NoReason) => new(null, reason);
}
