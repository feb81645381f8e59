using System.Net;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware;

/// <content>The methods that are reached over HTTP, too. Set when the server is frozen.</content>
internal sealed partial class RpcServer
{
    private bool _hasHttp; // somebody has called MapRpcHttp
    private RpcEndpoint[] _httpEndpoints = [];

    /// <summary>Methods with <c>WithHttp()</c>. Freezes the server: whoever asks builds the routes of HTTP.</summary>
    public IReadOnlyList<RpcEndpoint> HttpEndpoints
    {
        get
        {
            Freeze();
            return _httpEndpoints;
        }
    }

    /// <summary>Notes that the application has a place for HTTP calls.</summary>
    public void AddHttp()
    {
        lock (_lock)
        {
            ThrowIfFrozen("app.MapRpcHttp(...)");
            _hasHttp = true;
        }
    }

    /// <summary>Whether a method is served where a request came to: a service that configuration names listens only where that says.</summary>
    /// <param name="endpoint">The method.</param>
    /// <param name="local">The address that the request came to; null if the transport has none.</param>
    public bool IsServedAt(RpcEndpoint endpoint, IPEndPoint? local) =>
        services.GetService<RpcServicePlacement>() is not { Services.Count: > 0 } placement
        || !placement.Places(endpoint)
        || (local is not null && placement.Addresses.Any(address => Covers(address, local) && placement.Places(endpoint, address)));

    private static bool Covers(RpcListenAddress address, IPEndPoint local)
    {
        IPAddress ip = local.Address.IsIPv4MappedToIPv6 ? local.Address.MapToIPv4() : local.Address;
        return address.Port == local.Port
            && (address.Ip is null || address.Ip.Equals(ip) || address.Ip.Equals(IPAddress.Any) || address.Ip.Equals(IPAddress.IPv6Any));
    }

    private void PlaceHttp(List<RpcEndpoint> endpoints)
    {
        _httpEndpoints = [.. endpoints.Where(endpoint => endpoint.Metadata.GetMetadata<RpcHttpMetadata>() is not null)];
        if (_httpEndpoints.Length > 0 && !_hasHttp)
        {
            throw new InvalidOperationException(
                $"The RPC method '{_httpEndpoints[0].Name}' has WithHttp(), and nothing maps HTTP calls. Call app.MapRpcHttp().");
        }

        if (_httpEndpoints.Length == 0 && _hasHttp)
        {
            Log.NoHttpMethod(Logger);
        }
    }
}
