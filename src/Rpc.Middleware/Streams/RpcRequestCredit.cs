using System.IO.Pipelines;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// How much DATA the peer may send, of the connection and of its streams, and the CREDIT frames that tell it. Those leave as an item of their
/// own, never behind the replies of a stream, which may wait for credit themselves. The read loop receives, whoever reads a stream releases:
/// one lock.
/// </summary>
internal sealed class RpcRequestCredit(OutputQueue replies) : IOutputItem
{
    private readonly Lock _lock = new();
    private readonly List<Stream> _granted = []; // those that the peer is to be told of
    private RpcReceiveCredit _connection = new(RpcSettings.DefaultConnectionCredit);
    private int _connectionGrant;
    private bool _isQueued;

    /// <inheritdoc/>
    IOutputItem? IOutputItem.NextInLine { get; set; }

    /// <summary>Counts a DATA frame that is taken in, or dropped, at once.</summary>
    /// <returns>False if the peer may not send that much.</returns>
    public bool TryPass(long cost)
    {
        lock (_lock)
        {
            if (!_connection.TryReceive(cost))
            {
                return false;
            }

            _connectionGrant += _connection.Release(cost);
            if (!MustQueue())
            {
                return true;
            }
        }

        replies.Send(this);
        return true;
    }

    /// <summary>Counts a DATA frame of a stream.</summary>
    /// <returns>False if the peer may not send that much.</returns>
    public bool TryReceive(Stream stream, long cost)
    {
        lock (_lock)
        {
            if (!_connection.TryReceive(cost) || !stream.Credit.TryReceive(cost))
            {
                return false;
            }

            stream.Held += cost;
            return true;
        }
    }

    /// <summary>Gives back what has left the queue of a stream.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="cost">What it cost.</param>
    /// <param name="isWanted">Whether the stream takes more; else its own part is granted to nobody.</param>
    public void Release(Stream stream, long cost, bool isWanted = true)
    {
        lock (_lock)
        {
            cost = ReleaseToConnection(stream, cost);
            if (isWanted && !stream.IsOver && stream.Credit.Release(cost) is > 0 and int grant)
            {
                if (stream.Granted == 0)
                {
                    _granted.Add(stream);
                }

                stream.Granted += grant;
            }

            if (!MustQueue())
            {
                return;
            }
        }

        replies.Send(this);
    }

    /// <summary>Gives back all that a stream holds. It is granted nothing more: its id may soon be another call's.</summary>
    public void End(Stream stream)
    {
        lock (_lock)
        {
            stream.IsOver = true;
            if (stream.Granted > 0)
            {
                stream.Granted = 0;
                _granted.Remove(stream);
            }

            ReleaseToConnection(stream, long.MaxValue);
            if (!MustQueue())
            {
                return;
            }
        }

        replies.Send(this);
    }

    /// <inheritdoc/>
    int IOutputItem.Write(PipeWriter output)
    {
        replies.Postpone(); // it comes again, and nobody waits for it
        int written = 0;
        lock (_lock)
        {
            _isQueued = false;
            if (_connectionGrant > 0)
            {
                written += RpcControlFrame.WriteCredit(output, 0, _connectionGrant);
                _connectionGrant = 0;
            }

            foreach (Stream stream in _granted)
            {
                written += RpcControlFrame.WriteCredit(output, stream.Id, stream.Granted);
                stream.Granted = 0;
            }

            _granted.Clear();
        }

        return written;
    }

    /// <inheritdoc/>
    void IOutputItem.Discard() => replies.Postpone();

    // What the stream held of the connection's credit.
    private long ReleaseToConnection(Stream stream, long cost)
    {
        cost = Math.Min(cost, stream.Held); // the stream may have ended meanwhile
        stream.Held -= cost;
        _connectionGrant += _connection.Release(cost);
        return cost;
    }

    private bool MustQueue()
    {
        if (_isQueued || (_connectionGrant == 0 && _granted.Count == 0))
        {
            return false;
        }

        _isQueued = true;
        return true;
    }

    /// <summary>What one stream holds, and is granted. Under the lock of its connection.</summary>
    internal sealed class Stream(uint id)
    {
        public RpcReceiveCredit Credit = new(RpcSettings.DefaultCallCredit); // a mutable struct

        public uint Id => id;

        /// <summary>Bytes of the connection's credit.</summary>
        public long Held { get; set; }

        /// <summary>Bytes that it was granted and the peer was not told of.</summary>
        public int Granted { get; set; }

        /// <summary>Whether its handler has ended.</summary>
        public bool IsOver { get; set; }
    }
}
