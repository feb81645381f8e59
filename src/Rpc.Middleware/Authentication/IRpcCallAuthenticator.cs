namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Decides who makes a call that brings credentials of its own: <c>services.AddRpcCallAuthenticator&lt;T&gt;()</c>. It is asked before the middleware for calls whose metadata
/// has the key <see cref="RpcAuthenticationOptions.CredentialsKey"/>; all others are made by whoever the connection belongs to. Version 1 has no metadata,
/// so its calls never are. One object for all calls, so any thread and many at once.
/// </summary>
public interface IRpcCallAuthenticator
{
    /// <summary>
    /// Verifies the credentials of a call. Runs where the call does, so it must not block if methods run <see cref="RpcScheduling.Inline"/>. What throws,
    /// or takes longer than <see cref="RpcServerConnectionOptions.AuthenticationTimeout"/>, is a refusal.
    /// </summary>
    /// <param name="context">
    /// The call: <see cref="RpcAuthenticationContext.Credentials"/> is there, and <see cref="RpcAuthenticationContext.User"/> says who the connection belongs
    /// to. With a cache (<see cref="RpcAuthenticationOptions.CachedCredentialsPerConnection"/>) the answer must depend on credentials and connection alone.
    /// </param>
    /// <param name="cancellationToken">Cancelled when the time is over or nobody waits for the answer any more.</param>
    /// <returns>Who makes the call, or a refusal: then it fails with UNAUTHENTICATED, and the connection goes on.</returns>
    ValueTask<RpcAuthentication> AuthenticateAsync(RpcAuthenticationContext context, CancellationToken cancellationToken);
}
