namespace Kestrel.Rpc.Protocol;

/// <summary>
/// How much DATA this side lets the peer send, of one call or of a connection: a window of which bytes come in, stay in queues for a while and
/// are granted anew. What the peer may still send, what is held and what waits to be granted are the window at all times. A mutable
/// struct: keep it in a field and never copy it. Not thread-safe: the read loop receives, whoever takes messages releases, so it
/// belongs under a lock.
/// </summary>
public struct RpcReceiveCredit
{
    private readonly int _window;
    private int _pending; // released, not granted yet

    /// <summary>Starts with a whole window, which the peer knows of by default or by SETTINGS.</summary>
    /// <param name="window">Bytes, positive.</param>
    public RpcReceiveCredit(int window)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(window);
        _window = window;
        Available = window;
    }

    /// <summary>Bytes that the peer may still send.</summary>
    public int Available { get; private set; }

    /// <summary>Bytes that have come and were not released: the most that queues hold.</summary>
    public readonly int Held => _window - Available - _pending;

    /// <summary>Counts a DATA frame that has come.</summary>
    /// <param name="cost">What it costs: <see cref="RpcCredit.CostOf"/>.</param>
    /// <returns>False if the peer may not send that much, a protocol error; nothing was counted.</returns>
    public bool TryReceive(long cost)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(cost);
        if (cost > Available)
        {
            return false;
        }

        Available -= (int)cost;
        return true;
    }

    /// <summary>
    /// Counts what has left the queues. Grants are gathered until they are half of the window: fewer would stop a sender that has used its
    /// half, more would be frames for nothing.
    /// </summary>
    /// <param name="cost">What was received for it, at most <see cref="Held"/>.</param>
    /// <returns>Bytes to grant with a CREDIT now, or 0 for none yet.</returns>
    public int Release(long cost)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(cost);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(cost, Held);
        _pending += (int)cost;
        if (_pending < _window - (_window / 2))
        {
            return 0;
        }

        int grant = _pending;
        _pending = 0;
        Available += grant;
        return grant;
    }
}
