using System.Net;
using Kestrel.Rpc.Transport;
using Microsoft.AspNetCore.Mvc.Testing;

namespace Kestrel.Rpc.Testing;

/// <summary>What an HTTP client sends through: the ordinary stack, over streams of a network.</summary>
internal static class InProcessHandler
{
    /// <param name="network">Where the client dials.</param>
    /// <param name="endPoint">What it dials, whatever its requests say; null: what they say.</param>
    /// <param name="options">Redirects and cookies.</param>
    public static SocketsHttpHandler Create(InProcessNetwork network, EndPoint? endPoint, WebApplicationFactoryClientOptions options)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = options.HandleCookies,
            AllowAutoRedirect = options.AllowAutoRedirect,
            MaxAutomaticRedirections = options.MaxAutomaticRedirections,
            ConnectCallback = (context, cancellationToken) => network.ConnectStreamAsync(endPoint ?? context.DnsEndPoint, cancellationToken),
        };

        // The bytes never leave the process: there is nobody else whom the client could be talking to.
#pragma warning disable CA5359 // Accepts any certificate
        handler.SslOptions.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
        return handler;
    }
}
