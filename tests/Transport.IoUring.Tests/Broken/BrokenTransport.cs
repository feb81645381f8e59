using System.Net;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>Kestrel's Sockets transport with one defect: it shows that the check for the defect can fail.</summary>
internal abstract class BrokenTransport(IConnectionListenerFactory inner) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    public bool CanBind(EndPoint endpoint) => true;

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        Wrap(await inner.BindAsync(Asked(endpoint), cancellationToken), endpoint);

    /// <summary>The end point that is bound instead of the one asked for.</summary>
    protected virtual EndPoint Asked(EndPoint endPoint) => endPoint;

    protected virtual IConnectionListener Wrap(IConnectionListener listener, EndPoint asked) => new BrokenListener(listener, OnAccepted);

    /// <summary>Damages a connection before the application gets it.</summary>
    protected virtual void OnAccepted(ConnectionContext connection)
    {
    }
}

/// <summary>A listener that lets something be done to each connection.</summary>
internal class BrokenListener(IConnectionListener inner, Action<ConnectionContext> onAccepted) : IConnectionListener
{
    public virtual EndPoint EndPoint => inner.EndPoint;

    public virtual async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        ConnectionContext? connection = await inner.AcceptAsync(cancellationToken);
        if (connection is not null)
        {
            onAccepted(connection);
        }

        return connection;
    }

    public virtual ValueTask UnbindAsync(CancellationToken cancellationToken = default) => inner.UnbindAsync(cancellationToken);

    public virtual ValueTask DisposeAsync() => inner.DisposeAsync();
}
