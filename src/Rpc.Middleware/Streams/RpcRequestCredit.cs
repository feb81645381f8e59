using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// How much DATA the peer may send, of the connection and of its streams. The read loop receives, whoever reads a stream releases: one lock.
/// </summary>
internal sealed class RpcRequestCredit
{
    private readonly Lock _lock = new();
    private RpcReceiveCredit _connection = new(RpcSettings.DefaultConnectionCredit);

    /// <summary>Counts a DATA frame that is taken in, or dropped, at once.</summary>
    /// <param name="cost">What it costs.</param>
    /// <param name="grant">Bytes to grant the connection, or 0.</param>
    /// <returns>False if the peer may not send that much.</returns>
    public bool TryPass(long cost, out int grant)
    {
        lock (_lock)
        {
            bool isReceived = _connection.TryReceive(cost);
            grant = isReceived ? _connection.Release(cost) : 0;
            return isReceived;
        }
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
    /// <returns>Bytes to grant the connection and the stream.</returns>
    public (int Connection, int Stream) Release(Stream stream, long cost, bool isWanted = true)
    {
        lock (_lock)
        {
            cost = Math.Min(cost, stream.Held); // the stream may have ended meanwhile
            stream.Held -= cost;
            return (_connection.Release(cost), isWanted ? stream.Credit.Release(cost) : 0);
        }
    }

    /// <summary>Gives back all that a stream holds.</summary>
    /// <returns>Bytes to grant the connection.</returns>
    public int End(Stream stream) => Release(stream, long.MaxValue, isWanted: false).Connection;

    /// <summary>What one stream holds. Under the lock of its connection.</summary>
    internal sealed class Stream
    {
        public RpcReceiveCredit Credit = new(RpcSettings.DefaultCallCredit); // a mutable struct

        /// <summary>Bytes of the connection's credit.</summary>
        public long Held { get; set; }
    }
}
