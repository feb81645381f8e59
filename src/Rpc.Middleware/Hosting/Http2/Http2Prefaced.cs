using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Kestrel's HTTP/2 for connections without TLS that begin with its preface, on end points that serve HTTP/1 as well. There Kestrel itself
/// takes HTTP/1 whatever comes. So a hidden end point, which nobody can connect to, has Kestrel make the delegate that serves HTTP/2 alone, and
/// <c>UseRpc()</c> calls that in place of what follows it: the connection stays the one that Kestrel has accepted, counted and will close.
/// </summary>
/// <remarks>Set up by the thread that starts the host, then read by any.</remarks>
internal sealed class Http2Prefaced
{
    private ConnectionDelegate? _serve;
    private bool _isAdded;

    /// <summary>What serves HTTP/2 alone; null before Kestrel has bound the hidden end point, or if it never does.</summary>
    public ConnectionDelegate? Serve => Volatile.Read(ref _serve);

    /// <summary>Whether this is the hidden end point itself, which gets the defaults of all end points.</summary>
    public static bool IsHidden(EndPoint endPoint) => endPoint is HiddenEndPoint;

    /// <summary>
    /// Adds the hidden end point to the server, once; not if a transport would bind it that does not say which end points it serves.
    /// </summary>
    public void AddTo(KestrelServerOptions options)
    {
        if (_isAdded)
        {
            return;
        }

        _isAdded = true;
        HiddenEndPoint endPoint = new();

        // As Kestrel asks them: the last one first, and those that do not say serve all.
        IConnectionListenerFactory? transport = options.ApplicationServices.GetServices<IConnectionListenerFactory>()
            .LastOrDefault(factory => factory is not IConnectionListenerFactorySelector selector || selector.CanBind(endPoint));
        if (transport is not HiddenListenerFactory)
        {
            return;
        }

        options.Listen(endPoint, hidden =>
        {
            hidden.Protocols = HttpProtocols.Http2;

            // The last of all: what it gets is Kestrel's HTTP itself.
            hidden.Use(next =>
            {
                Volatile.Write(ref _serve, next);
                return next;
            });
        });
    }

    /// <summary>
    /// Whether HTTP/2 alone may stand in for what follows <c>UseRpc()</c> on an end point: only if that is Kestrel's HTTP and nothing else. A
    /// filter of addresses, say, that comes between must not be passed by.
    /// </summary>
    public bool CanReplace(ConnectionDelegate next) => Serve is { } serve && serve.Target?.GetType() == next.Target?.GetType();
}
