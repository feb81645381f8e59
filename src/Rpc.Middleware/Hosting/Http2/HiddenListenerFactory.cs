using System.Net;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Middleware;

/// <summary>Binds the hidden end point and no other, so the order in which transports are registered does not matter.</summary>
internal sealed class HiddenListenerFactory : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    public bool CanBind(EndPoint endpoint) => endpoint is HiddenEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        CanBind(endpoint)
            ? ValueTask.FromResult<IConnectionListener>(new HiddenListener(endpoint))
            : throw new NotSupportedException($"Nothing listens on {endpoint} here.");
}
