using System.Security.Claims;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Options;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Takes the certificate of the TLS handshake for who the peer is. Its chain was verified there, by Kestrel; the time is looked at once more,
/// because an end point may have been told to accept anything.
/// </summary>
internal sealed class RpcCertificateAuthenticator(IOptions<RpcCertificateOptions> options, TimeProvider time) : IRpcConnectionAuthenticator
{
    private const string AuthenticationType = "Certificate";

    public static ClaimsPrincipal CreateDefaultUser(X509Certificate2 certificate)
    {
        // As Microsoft.AspNetCore.Authentication.Certificate, CertificateAuthenticationHandler.CreatePrincipal.
        ClaimsIdentity identity = new(AuthenticationType);
        Add("issuer", certificate.Issuer);
        Add(ClaimTypes.Thumbprint, certificate.Thumbprint);
        Add(ClaimTypes.X500DistinguishedName, certificate.SubjectName.Name);
        Add(ClaimTypes.SerialNumber, certificate.SerialNumber);
        Add(ClaimTypes.Dns, certificate.GetNameInfo(X509NameType.DnsName, forIssuer: false));
        Add(ClaimTypes.Name, certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false));
        Add(ClaimTypes.Email, certificate.GetNameInfo(X509NameType.EmailName, forIssuer: false));
        Add(ClaimTypes.Upn, certificate.GetNameInfo(X509NameType.UpnName, forIssuer: false));
        Add(ClaimTypes.Uri, certificate.GetNameInfo(X509NameType.UrlName, forIssuer: false));
        return new ClaimsPrincipal(identity);

        void Add(string type, string value)
        {
            if (!string.IsNullOrWhiteSpace(value))
            {
                identity.AddClaim(new Claim(type, value, ClaimValueTypes.String, AuthenticationType));
            }
        }
    }

    public ValueTask<RpcAuthentication> AuthenticateAsync(RpcAuthenticationContext context, CancellationToken cancellationToken) =>
        new(context.ClientCertificate is { } certificate ? Judge(certificate)
            : options.Value.AllowsNoCertificate ? RpcAuthentication.Accept(context.User)
            : RpcAuthentication.Refuse("A client certificate is needed."));

    private RpcAuthentication Judge(X509Certificate2 certificate)
    {
        DateTime now = time.GetUtcNow().UtcDateTime;
        if (now < certificate.NotBefore.ToUniversalTime() || now > certificate.NotAfter.ToUniversalTime())
        {
            return RpcAuthentication.Refuse("The client certificate is not valid at this time.");
        }

        return options.Value.CreateUser(certificate) is { } user
            ? RpcAuthentication.Accept(user)
            : RpcAuthentication.Refuse("The client certificate is not accepted.");
    }
}
