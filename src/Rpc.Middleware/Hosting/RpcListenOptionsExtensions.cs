using Kestrel.Rpc.Middleware;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.AspNetCore.Hosting;

/// <summary>Lets end points of Kestrel serve RPC.</summary>
public static class RpcListenOptionsExtensions
{
    /// <summary>
    /// Serves RPC on this end point beside HTTP, and the protocols of <c>AddRpcProtocol</c>. The first bytes of a connection decide; they are only looked at, so whatever
    /// is not RPC goes on to Kestrel's HTTP unchanged, or is closed with <see cref="HttpProtocols.None"/>.
    /// With TLS call <c>UseHttps()</c> first. Without TLS, HTTP/1 and HTTP/2 with prior knowledge are served side by side, as far as
    /// <see cref="ListenOptions.Protocols"/> names them; for the latter nothing may be added to the end point after this.
    /// </summary>
    /// <param name="listenOptions">The end point.</param>
    /// <exception cref="InvalidOperationException">
    /// There is no <c>AddRpc</c>; or, when the host starts, <c>UseHttps()</c> comes after this.
    /// </exception>
    public static ListenOptions UseRpc(this ListenOptions listenOptions) => UseRpc(listenOptions, address: null);

    // The address, if configuration has named it.
    internal static ListenOptions UseRpc(ListenOptions listenOptions, RpcListenAddress? address)
    {
        ArgumentNullException.ThrowIfNull(listenOptions);
        RpcServer server = listenOptions.ApplicationServices.GetRpcServer("ListenOptions.UseRpc()");
        if (Http2Prefaced.IsHidden(listenOptions.EndPoint))
        {
            return listenOptions;
        }

        Http2Prefaced http2 = server.Services.GetRequiredService<Http2Prefaced>();
        http2.AddTo(listenOptions.KestrelServerOptions);
        bool isBehindTls = IsTls(listenOptions);

        // Runs when the host starts and binds the end point; by then everything about it is known.
        listenOptions.Use(next =>
        {
            if (IsTls(listenOptions) && !isBehindTls)
            {
                throw new InvalidOperationException(
                    $"On {listenOptions} UseRpc() comes before UseHttps(), so RPC would be served without TLS. Call UseHttps() first; "
                    + "for an https end point from configuration call it in the same callback as UseRpc().");
            }

            server.Freeze();
            if (address is null)
            {
                server.AddListener();
            }

            return CreateMiddleware(listenOptions, server, server.DispatchAt(address), http2, next);
        });
        return listenOptions;
    }

    private static ConnectionDelegate CreateMiddleware(
        ListenOptions listenOptions, RpcServer server, RpcDispatchTable dispatch, Http2Prefaced http2, ConnectionDelegate next)
    {
        TimeSpan timeout = server.Options.Connections.SniffTimeout
            ?? listenOptions.KestrelServerOptions.Limits.RequestHeadersTimeout;
        return new RpcSniffMiddleware(CreateTable(listenOptions, server, dispatch, http2, next), server, timeout).OnConnectionAsync;
    }

    // Our own first, because it is the commonest; then those of the application in the order of registration; what is nobody's is HTTP's.
    private static ProtocolTable CreateTable(
        ListenOptions listenOptions, RpcServer server, RpcDispatchTable dispatch, Http2Prefaced http2, ConnectionDelegate next)
    {
        ConnectionDelegate? http = listenOptions.Protocols == HttpProtocols.None ? null : next;
        List<PortProtocol> protocols = [new NativePortProtocol(server, dispatch)];
        protocols.AddRange(server.Protocols.Select(protocol => new PluggedPortProtocol(server, dispatch, protocol)));
        if (IsHttp2BesideHttp1(listenOptions))
        {
            protocols.Add(new Http2PortProtocol(http2, next, server));
        }

        protocols.Add(new TlsPortProtocol(http, server));
        if (http is not null)
        {
            protocols.Add(new HttpPortProtocol(http));
        }

        return new ProtocolTable([.. protocols]);
    }

    // Otherwise Kestrel decides well: by ALPN, or because there is nothing to decide.
    private static bool IsHttp2BesideHttp1(ListenOptions listenOptions) =>
        !IsTls(listenOptions) && listenOptions.Protocols.HasFlag(HttpProtocols.Http1AndHttp2);

    // Kestrel says so nowhere else in public.
    private static bool IsTls(ListenOptions listenOptions) =>
        listenOptions.ToString()!.StartsWith("https:", StringComparison.Ordinal);
}
