using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// Where clients find the in-process servers: what the loopback interface is to sockets. Clients dial through it, as through
/// any <see cref="IConnectionFactory"/>. Two networks know nothing of each other. Every member is safe to call from any thread.
/// </summary>
public sealed class InProcessNetwork : IConnectionFactory
{
    private readonly Lock _lock = new();
    private readonly OrderedDictionary<EndPoint, InProcessListener> _listeners = []; // guarded by _lock
    private int _lastServerPort = InProcessAddresses.LastServerPort; // guarded by _lock
    private int _lastClient;

    /// <summary>The network of the process: what a server is in unless its options name another.</summary>
    public static InProcessNetwork Default { get; } = new();

    /// <summary>Where servers listen now, those that came first at the head.</summary>
    public IReadOnlyList<EndPoint> EndPoints
    {
        get
        {
            lock (_lock)
            {
                return [.. _listeners.Keys];
            }
        }
    }

    /// <summary>
    /// Connects to a server of this network. Waits while <see cref="InProcessTransportOptions.Backlog"/> connections wait to be
    /// accepted there. Completing the output of the connection ends that direction only; disposing ends both.
    /// </summary>
    /// <param name="endpoint">
    /// An <see cref="InProcessEndPoint"/>, or what a server listens on that claims every end point; host names mean this machine.
    /// </param>
    /// <param name="cancellationToken">Gives up connecting. No effect on the connection made.</param>
    /// <returns>The client's side of the connection; the caller disposes of it.</returns>
    /// <exception cref="SocketException"><see cref="SocketError.ConnectionRefused"/>: nobody listens there.</exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    public ValueTask<ConnectionContext> ConnectAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<ConnectionContext>(cancellationToken);
        }

        foreach (EndPoint candidate in InProcessAddresses.Candidates(endpoint))
        {
            if (Find(candidate) is { } listener)
            {
                int number = Interlocked.Increment(ref _lastClient);
                return listener.ConnectAsync(candidate, InProcessAddresses.OfClient(candidate, number), cancellationToken);
            }
        }

        return ValueTask.FromException<ConnectionContext>(Refused());
    }

    /// <summary>
    /// Connects as <see cref="ConnectAsync"/> does, and gives the connection as a stream: for TLS, and for an
    /// <see cref="HttpClient"/> whose <see cref="SocketsHttpHandler.ConnectCallback"/> calls this. Disposing of the stream ends
    /// the connection in order, and what it reads or writes meanwhile fails.
    /// </summary>
    /// <param name="endpoint">The end point.</param>
    /// <param name="cancellationToken">Gives up connecting. No effect on the connection made.</param>
    /// <returns>The stream; one read and one write at a time.</returns>
    /// <exception cref="SocketException"><see cref="SocketError.ConnectionRefused"/>: nobody listens there.</exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    public async ValueTask<Stream> ConnectStreamAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        new InProcessStream(await ConnectAsync(endpoint, cancellationToken).ConfigureAwait(false));

    internal static SocketException Refused() => new((int)SocketError.ConnectionRefused);

    /// <exception cref="AddressInUseException">Another listener of the network has the end point.</exception>
    internal InProcessListener Bind(EndPoint endPoint, InProcessSettings settings)
    {
        lock (_lock)
        {
            if (endPoint is IPEndPoint { Port: 0 } anyPort)
            {
                endPoint = new IPEndPoint(anyPort.Address, NextServerPort());
            }
            else if (_listeners.Keys.FirstOrDefault(other => InProcessAddresses.Overlap(other, endPoint)) is { } taken)
            {
                throw new AddressInUseException($"{endPoint} is in use: somebody in this process listens on {taken}.");
            }

            var listener = new InProcessListener(this, endPoint, settings);
            _listeners.Add(endPoint, listener);
            return listener;
        }
    }

    internal void Unbind(InProcessListener listener)
    {
        lock (_lock)
        {
            if (_listeners.TryGetValue(listener.EndPoint, out InProcessListener? bound) && bound == listener)
            {
                _listeners.Remove(listener.EndPoint);
            }
        }
    }

    private InProcessListener? Find(EndPoint endPoint)
    {
        lock (_lock)
        {
            return _listeners.GetValueOrDefault(endPoint)
                ?? _listeners.FirstOrDefault(entry => InProcessAddresses.Overlap(entry.Key, endPoint)).Value;
        }
    }

    /// <summary>Under the lock: the next port of the range that nobody has; they come round again only at its end.</summary>
    private int NextServerPort()
    {
        const int Count = InProcessAddresses.LastServerPort - InProcessAddresses.FirstServerPort + 1;
        HashSet<int> taken = [.. _listeners.Keys.OfType<IPEndPoint>().Select(endPoint => endPoint.Port)];
        for (int tries = 0; tries < Count; tries++)
        {
            _lastServerPort = _lastServerPort == InProcessAddresses.LastServerPort ? InProcessAddresses.FirstServerPort : _lastServerPort + 1;
            if (!taken.Contains(_lastServerPort))
            {
                return _lastServerPort;
            }
        }

        throw new AddressInUseException("All ports that are given away by number are in use in this network.");
    }
}
