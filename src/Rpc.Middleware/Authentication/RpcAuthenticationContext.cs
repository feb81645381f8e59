using System.Security.Cryptography.X509Certificates;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Kestrel.Rpc.Middleware;

/// <summary>What is known of a peer when its first request has come.</summary>
public sealed class RpcAuthenticationContext
{
    internal RpcAuthenticationContext(ConnectionContext connection, string protocol, string method, RpcMetadata metadata)
    {
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

    /// <summary>The method of the first request as the peer names it, <c>service/method</c>; empty if it cannot be read. It need not exist.</summary>
    public string Method { get; }

    /// <summary>What came beside the first request. Empty in version 1.</summary>
    public RpcMetadata Metadata { get; }
}
