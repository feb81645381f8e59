using System.Security.Claims;
using System.Security.Cryptography.X509Certificates;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Kestrel.Rpc.Middleware;

/// <summary>What is known of a peer when its first request has come, or of a call that has credentials of its own.</summary>
public sealed class RpcAuthenticationContext
{
    private const string BearerPrefix = "Bearer ";

    internal RpcAuthenticationContext(
        ConnectionContext connection, string protocol, string method, RpcMetadata metadata, string credentialsKey, ClaimsPrincipal user)
    {
        Credentials = OnlyValue(metadata, credentialsKey);
        User = user;
        Connection = connection;
        Protocol = protocol;
        Method = method;
        Metadata = metadata;
    }

    /// <summary>The connection. Its transport belongs to the server.</summary>
    public ConnectionContext Connection { get; }

    /// <summary>What the transport knows of it.</summary>
    public IFeatureCollection Features => Connection.Features;

    /// <summary>The certificate of the peer; <see langword="null"/> without TLS, or if it has shown none.</summary>
    public X509Certificate2? ClientCertificate => Features.Get<ITlsConnectionFeature>()?.ClientCertificate;

    /// <summary>The protocol of the connection, as <see cref="RpcContext.Protocol"/>.</summary>
    public string Protocol { get; }

    /// <summary>
    /// Who the connection belongs to, for an <see cref="IRpcCallAuthenticator"/>; while the connection itself is being verified a principal without an identity
    /// that is authenticated.
    /// </summary>
    public ClaimsPrincipal User { get; }

    /// <summary>
    /// The value of the metadata <see cref="RpcAuthenticationOptions.CredentialsKey"/>, for example <c>Bearer abc</c>; <see langword="null"/> if it is not there, or more
    /// than once.
    /// </summary>
    public string? Credentials { get; }

    /// <summary>The token in <see cref="Credentials"/> of the form <c>Bearer token</c> (RFC 6750, section 2.1); <see langword="null"/> if they are not of that form.</summary>
    public string? BearerToken =>
        Credentials is { } value && value.StartsWith(BearerPrefix, StringComparison.OrdinalIgnoreCase) && value.AsSpan(BearerPrefix.Length).Trim() is { Length: > 0 } token
            ? token.ToString()
            : null;

    /// <summary>The method of the request as the peer names it, <c>service/method</c>; empty if it cannot be read. It need not exist.</summary>
    public string Method { get; }

    /// <summary>What came beside the request. Empty in version 1.</summary>
    public RpcMetadata Metadata { get; }

    private static string? OnlyValue(RpcMetadata metadata, string key)
    {
        string? value = null;
        foreach (RpcMetadataEntry entry in metadata.GetAll(key))
        {
            if (value is not null)
            {
                return null;
            }

            value = entry.Value;
        }

        return value;
    }
}
