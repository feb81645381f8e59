using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>The self-signed certificate of the test servers, and the clients' trust in it alone.</summary>
internal static class TestCertificate
{
    public static X509Certificate2 Certificate { get; } = Create();

    /// <summary>Accepts the certificate of the test servers and no other.</summary>
    public static bool Validate(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors) =>
        certificate?.GetCertHashString() == Certificate.Thumbprint;

    private static X509Certificate2 Create()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        return request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(200));
    }
}
