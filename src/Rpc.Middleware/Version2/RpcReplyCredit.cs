using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// How much of cut replies the peer takes, and the replies that wait for more. Any thread: one lock, held for a few instructions; replies that
/// fit one frame never come here.
/// </summary>
internal sealed class RpcReplyCredit(OutputQueue replies)
{
    // A shorter piece is not worth a frame, unless it is the last.
    private const int LeastPiece = 4 * 1024;

    // As much as the connection's credit at the beginning; one longer reply is always copied.
    private const long MostCopied = RpcSettings.DefaultConnectionCredit;

    private readonly Lock _lock = new();
    private readonly List<RpcVersion2Call> _waiting = [];
    private RpcSendCredit _connection = new(RpcSettings.DefaultConnectionCredit);
    private int _initial = RpcSettings.DefaultCallCredit;
    private long _copied;
    private bool _isOver;

    /// <summary>Sets what a call starts with, when its reply begins to be cut.</summary>
    public void Begin(RpcVersion2Call call)
    {
        lock (_lock)
        {
            if (!call.HasCredit)
            {
                call.HasCredit = true;
                call.Credit = new RpcSendCredit(_initial);
                call.Credit.TryAdd(call.EarlyCredit);
            }
        }
    }

    /// <summary>
    /// Takes room for the copy of a reply that is cut. However many calls there are, and whatever the peer grants, few are copied at a time.
    /// </summary>
    /// <returns>False if the reply waits for room, and is sent again when there may be some.</returns>
    public bool TryReserve(RpcVersion2Call call, int length)
    {
        lock (_lock)
        {
            if (_isOver || _copied == 0 || _copied + length <= MostCopied)
            {
                _copied += length;
                return true;
            }

            call.IsWaitingForCredit = true;
            _waiting.Add(call);
            return false;
        }
    }

    /// <summary>Gives the room of a copy back.</summary>
    public void Release(int length)
    {
        lock (_lock)
        {
            _copied -= length;
        }

        Wake(null);
    }

    /// <summary>Takes credit for a piece.</summary>
    /// <param name="call">The call.</param>
    /// <param name="length">Bytes wanted.</param>
    /// <param name="granted">Bytes that may be sent.</param>
    /// <returns>
    /// False if there is none: then the reply waits, and is sent again when there is more. Unless none can come any more: then
    /// <paramref name="granted"/> is -1, and nothing waits.
    /// </returns>
    public bool TryTake(RpcVersion2Call call, int length, out int granted)
    {
        lock (_lock)
        {
            if (RpcCredit.TryTake(ref call.Credit, ref _connection, length, LeastPiece, out granted))
            {
                return true;
            }

            if (_isOver || call.CancelledWith is not null)
            {
                granted = -1;
                return false;
            }

            call.IsWaitingForCredit = true;
            _waiting.Add(call);
            return false;
        }
    }

    /// <summary>Takes credit for frames that are not cut any more, for all of them or for none.</summary>
    /// <param name="call">The call.</param>
    /// <param name="cost">What they cost.</param>
    public bool TryTakeWhole(RpcVersion2Call call, int cost)
    {
        lock (_lock)
        {
            return TakeWhole(call, cost);
        }
    }

    /// <summary>As <see cref="TryTakeWhole"/>. If there is not enough the call is sent again when there is more, unless none can come any more.</summary>
    /// <param name="call">The call.</param>
    /// <param name="cost">What they cost.</param>
    /// <param name="isOver">Whether nothing waits, because there is nothing to wait for.</param>
    public bool TryTakeWholeOrWait(RpcVersion2Call call, int cost, out bool isOver)
    {
        lock (_lock)
        {
            isOver = false;
            if (TakeWhole(call, cost))
            {
                return true;
            }

            isOver = _isOver || call.CancelledWith is not null;
            if (!isOver)
            {
                call.IsWaitingForCredit = true;
                _waiting.Add(call);
            }

            return false;
        }
    }

    private bool TakeWhole(RpcVersion2Call call, int cost)
    {
        if (cost > call.Credit.Available || cost > _connection.Available)
        {
            return false;
        }

        call.Credit.Take(cost);
        _connection.Take(cost);
        return true;
    }

    /// <summary>Adds what the peer grants to the whole connection.</summary>
    /// <returns>False if that is too much.</returns>
    public bool TryAdd(int bytes)
    {
        lock (_lock)
        {
            if (!_connection.TryAdd(bytes))
            {
                return false;
            }
        }

        Wake(null);
        return true;
    }

    /// <summary>Adds what the peer grants to a call.</summary>
    /// <returns>False if that is too much.</returns>
    public bool TryAdd(RpcVersion2Call call, int bytes)
    {
        lock (_lock)
        {
            if (!call.HasCredit)
            {
                // Its reply is not cut, or not yet.
                long sum = (long)_initial + call.EarlyCredit + bytes;
                call.EarlyCredit += sum <= RpcCredit.Max ? bytes : 0;
                return sum <= RpcCredit.Max;
            }

            if (!call.Credit.TryAdd(bytes))
            {
                return false;
            }
        }

        Wake(call);
        return true;
    }

    /// <summary>Takes the peer's settings over. They are its first frame, so no call has credit yet.</summary>
    /// <returns>False if that is too much.</returns>
    public bool TrySet(RpcSettings settings)
    {
        lock (_lock)
        {
            _initial = settings.InitialCallCredit;
            return _connection.TryAdd(settings.ConnectionCredit - RpcSettings.DefaultConnectionCredit);
        }
    }

    /// <summary>Sends the call's reply again, or all that wait, so that they see what has changed.</summary>
    public void Wake(RpcVersion2Call? only)
    {
        RpcVersion2Call[] woken;
        lock (_lock)
        {
            woken = only is null ? [.. _waiting] : only.IsWaitingForCredit ? [only] : [];
            foreach (RpcVersion2Call call in woken)
            {
                call.IsWaitingForCredit = false;
                _waiting.Remove(call);
            }
        }

        foreach (RpcVersion2Call call in woken)
        {
            replies.Send(call.Item);
        }
    }

    /// <summary>Notes that no credit can come any more: what waits, or would, ends with an error.</summary>
    public void End()
    {
        lock (_lock)
        {
            _isOver = true;
        }

        Wake(null);
    }
}
