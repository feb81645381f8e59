using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <summary>
/// The credit of a connection and of its calls, both directions, under one lock. A call that wants to send and may not is parked here
/// until credit comes; it then goes back into the output. Any thread.
/// </summary>
internal sealed class FlowControl
{
    // Shorter pieces are only sent at the end of a message. With the cost of a frame far below half of the smallest window.
    private const int ShortestPiece = 4 * 1024;

    private readonly Lock _lock = new();
    private readonly RequestQueue _requests;
    private readonly ControlFrames _control;
    private readonly int _callWindow;
    private readonly HashSet<PendingCall> _parked = [];
    private RpcReceiveCredit _received;
    private RpcSendCredit _sent = new(RpcSettings.DefaultConnectionCredit);
    private int _initialSent = RpcSettings.DefaultCallCredit;

    public FlowControl(RpcSettings settings, RequestQueue requests, ControlFrames control)
    {
        _requests = requests;
        _control = control;
        _callWindow = settings.InitialCallCredit;
        _received = new RpcReceiveCredit(settings.ConnectionCredit);
    }

    /// <summary>Calls that wait for credit.</summary>
    public int Parked
    {
        get
        {
            lock (_lock)
            {
                return _parked.Count;
            }
        }
    }

    /// <summary>Takes credit for a DATA frame. In the writer's role.</summary>
    /// <param name="call">The call.</param>
    /// <param name="length">Bytes of body wanted.</param>
    /// <param name="granted">Bytes of body that may be sent.</param>
    /// <param name="isParked">Whether the call waits for credit now; false if it has ended.</param>
    /// <returns>False if nothing may be sent.</returns>
    public bool TryTake(PendingCall call, int length, out int granted, out bool isParked)
    {
        lock (_lock)
        {
            isParked = false;
            if (!Begin(call))
            {
                granted = 0;
                return false;
            }

            StartSending(ref call.Credit);
            if (RpcCredit.TryTake(ref call.Credit.Sent, ref _sent, length, ShortestPiece, out granted))
            {
                return true;
            }

            isParked = _parked.Add(call);
            return false;
        }
    }

    /// <summary>Adds what the peer grants the connection.</summary>
    /// <returns>False if that is too much.</returns>
    public bool TryAdd(int bytes)
    {
        PendingCall[] woken;
        lock (_lock)
        {
            if (!_sent.TryAdd(bytes))
            {
                return false;
            }

            woken = TakeParked();
        }

        Wake(woken);
        return true;
    }

    /// <summary>Adds what the peer grants a call.</summary>
    /// <returns>False if that is too much.</returns>
    public bool TryAdd(PendingCall call, int bytes)
    {
        bool wake;
        lock (_lock)
        {
            if (!Begin(call))
            {
                return true;
            }

            StartSending(ref call.Credit);
            if (!call.Credit.Sent.TryAdd(bytes))
            {
                return false;
            }

            wake = _parked.Remove(call);
        }

        if (wake)
        {
            _requests.Enqueue(call);
        }

        return true;
    }

    /// <summary>Adds what the peer's settings grant beyond the defaults, to the connection, the calls under way and those to come.</summary>
    /// <returns>False if that is too much.</returns>
    public bool TryApply(RpcSettings settings, ReadOnlySpan<PendingCall> calls)
    {
        PendingCall[] woken;
        lock (_lock)
        {
            int more = settings.InitialCallCredit - _initialSent;
            _initialSent = settings.InitialCallCredit;
            if (!_sent.TryAdd(settings.ConnectionCredit - RpcSettings.DefaultConnectionCredit))
            {
                return false;
            }

            foreach (PendingCall call in calls)
            {
                // Those that have not begun to send begin with the new value.
                if (call.Credit.Sends && !call.Credit.Sent.TryAdd(more))
                {
                    return false;
                }
            }

            woken = TakeParked();
        }

        Wake(woken);
        return true;
    }

    /// <summary>Counts a DATA frame that has come.</summary>
    /// <param name="call">Its call; null if that is not under way: then the connection gets its credit back at once.</param>
    /// <param name="cost">What it costs.</param>
    /// <returns>False if the peer may not send that much.</returns>
    public bool TryReceive(PendingCall? call, long cost)
    {
        int grant = 0;
        lock (_lock)
        {
            if (!_received.TryReceive(cost))
            {
                return false;
            }

            if (call is null || !Begin(call))
            {
                grant = _received.Release(cost);
            }
            else
            {
                if (!call.Credit.Receives)
                {
                    call.Credit.Receives = true;
                    call.Credit.Received = new RpcReceiveCredit(_callWindow);
                }

                if (!call.Credit.Received.TryReceive(cost))
                {
                    return false;
                }
            }
        }

        _control.Grant(0, grant);
        return true;
    }

    /// <summary>Gives back what was received and has left the queues. Nothing to do if the call has ended.</summary>
    public void Release(PendingCall call, long cost)
    {
        int grant;
        int callGrant;
        lock (_lock)
        {
            if (cost == 0 || call.Credit.HasEnded || !call.Credit.Receives || call.IsCompleted)
            {
                return; // one that was completed gives back all that it holds when it ends; what came after was given back at once
            }

            grant = _received.Release(cost);
            callGrant = call.Credit.Received.Release(cost);
        }

        _control.Grant(0, grant);
        _control.Grant(call.WireId, callGrant);
    }

    /// <summary>Gives back all that a call holds, and lets it out if it is parked. After the call was marked as ended.</summary>
    public void End(PendingCall call)
    {
        int grant = 0;
        bool wasParked;
        lock (_lock)
        {
            wasParked = _parked.Remove(call);
            if (call.Credit.Receives && !call.Credit.HasEnded)
            {
                grant = _received.Release(call.Credit.Received.Held);
            }

            call.Credit.HasEnded = true;
        }

        _control.Grant(0, grant);
        if (wasParked)
        {
            call.Release();
        }
    }

    // False if the call has ended. Otherwise End will see that there is something to give back.
    private static bool Begin(PendingCall call)
    {
        if (!call.HasFlow)
        {
            call.HasFlow = true;
            Interlocked.MemoryBarrier(); // pairs with the one in the end of a call
        }

        return !call.IsCompleted && !call.Credit.HasEnded;
    }

    private void StartSending(ref CallCredit credit)
    {
        if (!credit.Sends)
        {
            credit.Sends = true;
            credit.Sent = new RpcSendCredit(_initialSent);
        }
    }

    private PendingCall[] TakeParked()
    {
        if (_parked.Count == 0)
        {
            return [];
        }

        PendingCall[] parked = [.. _parked];
        _parked.Clear();
        return parked;
    }

    private void Wake(PendingCall[] calls)
    {
        foreach (PendingCall call in calls)
        {
            _requests.Enqueue(call);
        }
    }
}
