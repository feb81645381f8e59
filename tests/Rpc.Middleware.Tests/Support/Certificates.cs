using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>An authority of the tests' own, and clients' certificates from it and from another one.</summary>
internal static class Certificates
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UtcNow;
    private static readonly X509Certificate2 Authority = CreateAuthority();
    private static readonly X509Certificate2 Stranger = CreateAuthority();

    public static X509Certificate2 Valid { get; } = Create(Authority, "ann", Now.AddDays(-1), Now.AddDays(1));

    public static X509Certificate2 Expired { get; } = Create(Authority, "ann", Now.AddDays(-2), Now.AddDays(-1));

    public static X509Certificate2 OfAStranger { get; } = Create(Stranger, "ann", Now.AddDays(-1), Now.AddDays(1));

    /// <summary>Whether the authority stands behind a certificate, and its time is not over.</summary>
    public static bool IsTrusted(X509Certificate2 certificate)
    {
        using X509Chain chain = new();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(Authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate);
    }

    private static X509Certificate2 CreateAuthority()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        return request.CreateSelfSigned(Now.AddDays(-3), Now.AddDays(3));
    }

    private static X509Certificate2 Create(X509Certificate2 authority, string name, DateTimeOffset from, DateTimeOffset to)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.2")], critical: false)); // client authentication
        using X509Certificate2 certificate = request.Create(authority, from, to, RandomNumberGenerator.GetBytes(8));
        using X509Certificate2 withKey = certificate.CopyWithPrivateKey(key);

        // Through PKCS#12, so that the private key stays with it.
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pkcs12), null);
    }
}
