namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Decides who a peer is, once for each connection and before any of its calls: <c>services.AddRpcConnectionAuthenticator&lt;T&gt;()</c>. It is asked
/// with the first request of an RPC connection, whatever its protocol, and for each call over HTTP (<c>WithHttp()</c>); other HTTP requests have HTTP's own ways. One object for all connections,
/// so any thread.
/// </summary>
public interface IRpcConnectionAuthenticator
{
    /// <summary>
    /// Verifies a connection. Until the answer is there, no call of it runs and nothing more is read from it. What throws, or takes longer than
    /// <see cref="RpcServerConnectionOptions.AuthenticationTimeout"/>, is a refusal.
    /// </summary>
    /// <param name="context">What is known of the peer.</param>
    /// <param name="cancellationToken">Cancelled when the time is over, the connection was aborted or the host stops.</param>
    /// <returns>Who the peer is, or a refusal: then the call is answered with UNAUTHENTICATED and the connection ends.</returns>
    ValueTask<RpcAuthentication> AuthenticateAsync(RpcAuthenticationContext context, CancellationToken cancellationToken);
}
