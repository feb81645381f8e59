using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// One end point of the network. Connections wait in a bounded queue until the server accepts them; when that is full, clients
/// wait. Any thread.
/// </summary>
internal sealed class InProcessListener : IConnectionListener
{
    private readonly InProcessNetwork _network;
    private readonly InProcessSettings _settings;
    private readonly Channel<InProcessConnection> _accepted;

    public InProcessListener(InProcessNetwork network, EndPoint endPoint, InProcessSettings settings)
    {
        _network = network;
        _settings = settings;
        EndPoint = endPoint;
        _accepted = Channel.CreateBounded<InProcessConnection>(settings.Backlog); // one write too many waits
    }

    public EndPoint EndPoint { get; }

    /// <summary>Puts the server's side of a new connection into the queue, and returns the client's.</summary>
    public async ValueTask<ConnectionContext> ConnectAsync(EndPoint dialled, EndPoint client, CancellationToken cancellationToken)
    {
        InProcessConnection server = InProcessConnection.CreatePair(dialled, client, _settings);
        try
        {
            await _accepted.Writer.WriteAsync(server, cancellationToken).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            // Unbound in the meantime: as if nobody had been found.
            throw InProcessNetwork.Refused();
        }

        return server.Peer;
    }

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (await _accepted.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (_accepted.Reader.TryRead(out InProcessConnection? connection))
            {
                return connection;
            }
        }

        return null; // unbound
    }

    /// <summary>Stops accepting, at once; connections go on, those in the queue too.</summary>
    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _network.Unbind(this);
        _accepted.Writer.TryComplete();
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await UnbindAsync().ConfigureAwait(false);
        while (_accepted.Reader.TryRead(out InProcessConnection? connection))
        {
            connection.Abort(new ConnectionAbortedException("The listener was disposed before the connection was accepted."));
            await connection.DisposeAsync().ConfigureAwait(false);
        }
    }
}
