using System.Security.Claims;
using System.Security.Cryptography.X509Certificates;

namespace Kestrel.Rpc.Middleware;

/// <summary>Who the peers are that show a certificate.</summary>
public sealed class RpcCertificateOptions
{
    /// <summary>
    /// Whether a peer without a certificate is let in, as nobody; it may then sign in with its calls. Default <see langword="false"/>: it is refused.
    /// </summary>
    public bool AllowsNoCertificate { get; set; }

    /// <summary>
    /// Makes the principal of a certificate; <see langword="null"/> refuses the peer. Runs once for each connection. Default: one identity of the authentication type
    /// <c>Certificate</c> with the claims that ASP.NET Core's certificate authentication makes: issuer, thumbprint, subject, serial number, name, DNS name,
    /// e-mail, UPN and URI, as far as the certificate has them.
    /// </summary>
    public Func<X509Certificate2, ClaimsPrincipal?> CreateUser { get; set; } = RpcCertificateAuthenticator.CreateDefaultUser;
}
