using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// How much of cut replies and of streams the peer takes, and the calls that wait for more: in line, so that whatever the peer grants wakes those
/// alone that it is enough for. Who was woken wakes the next one, whether it takes something or not. Any thread: one lock, held for a few
/// instructions; replies that fit one frame never come here.
/// </summary>
internal sealed partial class RpcReplyCredit(OutputQueue replies)
{
    // A shorter piece is not worth a frame, unless it is the last.
    private const int LeastPiece = 4 * 1024;

    // As much as the connection's credit at the beginning; one longer reply is always copied.
    private const long MostCopied = RpcSettings.DefaultConnectionCredit;

    private readonly Lock _lock = new();
    private readonly LinkedList<RpcVersion2Call> _line = []; // wait for credit of the connection
    private readonly LinkedList<RpcVersion2Call> _lineForRoom = []; // wait for room for a copy
    private readonly LinkedList<RpcVersion2Call> _others = []; // wait for credit of their own
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
            if (!HasRoom(length) && call.CancelledWith is null)
            {
                Wait(call, _lineForRoom, length);
                return false;
            }

            _copied += length;
        }

        WakeNext();
        return true;
    }

    /// <summary>Gives the room of a copy back.</summary>
    public void Release(int length)
    {
        lock (_lock)
        {
            _copied -= length;
        }

        WakeNext();
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
        bool isTaken;
        lock (_lock)
        {
            isTaken = RpcCredit.TryTake(ref call.Credit, ref _connection, length, LeastPiece, out granted);
            _hasMoved |= isTaken;
            if (!isTaken && !TryWait(call, RpcCredit.CostOf(Math.Min(length, LeastPiece))))
            {
                granted = -1;
            }
        }

        WakeNext();
        return isTaken;
    }

    /// <summary>Takes credit for frames that are not cut any more, for all of them or for none.</summary>
    /// <param name="call">The call.</param>
    /// <param name="cost">What they cost.</param>
    public bool TryTakeWhole(RpcVersion2Call call, int cost)
    {
        lock (_lock)
        {
            if (!TakeWhole(call, cost))
            {
                return false;
            }
        }

        WakeNext();
        return true;
    }

    /// <summary>As <see cref="TryTakeWhole"/>. If there is not enough the call is sent again when there is more, unless none can come any more.</summary>
    /// <param name="call">The call.</param>
    /// <param name="cost">What they cost.</param>
    /// <param name="isOver">Whether nothing waits, because there is nothing to wait for.</param>
    public bool TryTakeWholeOrWait(RpcVersion2Call call, int cost, out bool isOver)
    {
        bool isTaken;
        lock (_lock)
        {
            isTaken = TakeWhole(call, cost);
            isOver = !isTaken && !TryWait(call, cost);
        }

        WakeNext();
        return isTaken;
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

        WakeNext();
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

            if (call.Place.List != _others || call.Credit.Available < call.Needed)
            {
                return true;
            }

            _others.Remove(call.Place);
        }

        replies.Send(call.Item);
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

    /// <summary>Sends what waits of a call again, if it does, so that it sees what has changed.</summary>
    public void Wake(RpcVersion2Call call)
    {
        lock (_lock)
        {
            if (call.Place.List is not { } list)
            {
                return;
            }

            list.Remove(call.Place);
        }

        replies.Send(call.Item);
    }

    /// <summary>
    /// Wakes who is first in line, if there is enough for it. Also to be called for a call that was woken and wants nothing any more.
    /// </summary>
    public void WakeNext()
    {
        RpcVersion2Call? next = null;
        RpcVersion2Call? nextForRoom = null;
        lock (_lock)
        {
            if (_line.First is { } first && (_isOver || first.Value.Needed <= _connection.Available))
            {
                next = first.Value;
                _line.RemoveFirst();
            }

            if (_lineForRoom.First is { } firstForRoom && HasRoom(firstForRoom.Value.Needed))
            {
                nextForRoom = firstForRoom.Value;
                _lineForRoom.RemoveFirst();
            }
        }

        Send(next);
        Send(nextForRoom);
    }

    /// <summary>Notes that no credit can come any more: what waits, or would, ends with an error.</summary>
    public void End()
    {
        RpcVersion2Call[] woken;
        lock (_lock)
        {
            _isOver = true;
            woken = [.. _line, .. _lineForRoom, .. _others];
            _line.Clear();
            _lineForRoom.Clear();
            _others.Clear();
        }

        foreach (RpcVersion2Call call in woken)
        {
            replies.Send(call.Item);
        }
    }

    private void Send(RpcVersion2Call? call)
    {
        if (call is not null)
        {
            replies.Send(call.Item);
        }
    }

    // What follows: under the lock.
    private bool HasRoom(long length) => _isOver || _copied == 0 || _copied + length <= MostCopied;

    private bool TakeWhole(RpcVersion2Call call, int cost)
    {
        if (cost > call.Credit.Available || cost > _connection.Available)
        {
            return false;
        }

        call.Credit.Take(cost);
        _connection.Take(cost);
        _hasMoved = true;
        return true;
    }

    // False if there is nothing to wait for.
    private bool TryWait(RpcVersion2Call call, long needed)
    {
        if (_isOver || call.CancelledWith is not null)
        {
            return false;
        }

        Wait(call, call.Credit.Available < needed ? _others : _line, needed);
        return true;
    }

    private static void Wait(RpcVersion2Call call, LinkedList<RpcVersion2Call> line, long needed)
    {
        call.Needed = needed;
        call.WaitsSince = 0;
        line.AddLast(call.Place);
    }
}
