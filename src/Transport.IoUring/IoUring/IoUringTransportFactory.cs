using System.Net;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport;

internal sealed class IoUringTransportFactory : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    public bool CanBind(EndPoint endpoint) => false;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();
}
