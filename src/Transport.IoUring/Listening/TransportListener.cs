using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// An end point that is listened on: with one socket, whose loop hands each connection to the loop that has the fewest, or
/// with one socket for each loop (<see cref="AcceptStrategy"/>). Connections that the server has not asked for yet wait in a queue.
/// Any thread.
/// </summary>
internal sealed class TransportListener : IConnectionListener
{
    private readonly LoopListener[] _listeners;
    private readonly int _maxQueued;
    private readonly bool _isBoundToAll; // addresses of the machine, so that connections have different ones
    private readonly Channel<TransportConnection> _accepted = Channel.CreateUnbounded<TransportConnection>(); // bounded by _maxQueued
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private EndPoint? _lastLocal;
    private int _queued;
    private int _running; // listeners whose socket is open
    private volatile bool _isOver; // though sockets may still be open: a loop's thread has said so

    /// <summary>Begins to accept from <paramref name="sockets"/>: one for all loops, or one for each.</summary>
    public TransportListener(
        EndPoint endPoint, IReadOnlyList<Socket> sockets, EventLoopGroup loops, ConnectionSettings settings, int backlog, TimeProvider timeProvider)
    {
        _maxQueued = backlog;
        EndPoint = sockets[0].LocalEndPoint ?? endPoint;
        Incident = new AcceptIncident(EndPoint.ToString()!, settings.Logger, timeProvider);
        _isBoundToAll = EndPoint is IPEndPoint { Address: var address } && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any));
        bool balances = sockets.Count == 1;
        _listeners = [.. sockets.Select((socket, i) => new LoopListener(this, socket, loops.Loops[i], loops, balances, settings, timeProvider))];
        _running = _listeners.Length;
        Array.ForEach(_listeners, listener => listener.Start());
    }

    public EndPoint EndPoint { get; }

    /// <summary>What the log knows of accepts that fail.</summary>
    public AcceptIncident Incident { get; }

    /// <summary>Whether listeners that paused because the queue was full may go on.</summary>
    public bool HasRoom => Volatile.Read(ref _queued) <= _maxQueued / 2;

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (await _accepted.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (_accepted.Reader.TryRead(out TransportConnection? connection))
            {
                if (Interlocked.Decrement(ref _queued) == _maxQueued / 2)
                {
                    Array.ForEach(_listeners, listener => listener.Resume());
                }

                return connection;
            }
        }

        return null; // unbound
    }

    /// <summary>
    /// Stops accepting. Short, and not to be cancelled: a host that is disposed passes a cancelled token. On return the address is
    /// free, except on a loop's thread and where a handler keeps one: there it is when the loops have gone on.
    /// </summary>
    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        Array.ForEach(_listeners, listener => listener.Stop());
        if (EventLoop.IsOnAny)
        {
            // An inline application that ends its host may keep this thread until all of that is over, and what is left of it, the
            // server's accept loop and the listener's disposal, goes on elsewhere: nobody must wait for this loop.
            _isOver = true;
            End();
        }

        await _stopped.Task.WaitAsync(EventLoop.LongestEnd, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!_stopped.Task.IsCompleted)
        {
            _isOver = true;
            End();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await UnbindAsync().ConfigureAwait(false);
        while (_accepted.Reader.TryRead(out TransportConnection? connection))
        {
            Task dropped = DropAsync(connection);
            if (!_isOver)
            {
                await dropped.ConfigureAwait(false);
            }
        }
    }

    /// <summary>Keeps a connection for the server. Whether there is room for another: else the caller pauses until <see cref="LoopListener.Resume"/>.</summary>
    public bool Enqueue(TransportConnection connection)
    {
        bool hasRoom = Interlocked.Increment(ref _queued) < _maxQueued;
        if (!_accepted.Writer.TryWrite(connection))
        {
            _ = DropAsync(connection); // accepted in the turn in which the application has unbound
        }

        return hasRoom;
    }

    /// <summary>The connection's own address: one object for all that have the same.</summary>
    public EndPoint? LocalEndPointOf(int descriptor)
    {
        if (!_isBoundToAll)
        {
            return EndPoint;
        }

        EndPoint? local = SocketAddressReader.ReadLocal(descriptor);
        EndPoint? last = Volatile.Read(ref _lastLocal); // of any loop
        if (local?.Equals(last) == true)
        {
            return last;
        }

        Volatile.Write(ref _lastLocal, local);
        return local;
    }

    /// <summary>One of the sockets is closed, and nothing of it will be enqueued.</summary>
    public void OnStopped()
    {
        if (Interlocked.Decrement(ref _running) == 0)
        {
            End();
        }
    }

    private void End()
    {
        _accepted.Writer.TryComplete();
        _stopped.TrySetResult();
    }

    private static async Task DropAsync(TransportConnection connection)
    {
        connection.Abort(new ConnectionAbortedException("The listener was disposed before the connection was accepted."));
        await connection.DisposeAsync().ConfigureAwait(false);
    }
}
