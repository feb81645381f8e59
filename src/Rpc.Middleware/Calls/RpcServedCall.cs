using System.Threading.RateLimiting;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// A call that this server serves, whatever has carried it here: what limits, telemetry and the mapping of exceptions know of it. One owner at a time,
/// as <see cref="RpcContext"/>, unless a member says otherwise.
/// </summary>
internal abstract class RpcServedCall : RpcContext
{
    private Stack<RateLimitLease>? _leases; // of the gates that give them, in their order

    public abstract RpcServer Server { get; }

    /// <summary>When the request was read, as a timestamp of the server's clock.</summary>
    public long ReceivedAt { get; protected set; }

    /// <summary>Set if the caller gets an error.</summary>
    public RpcFault? Fault { get; set; }

    /// <summary>Why the call was cancelled; null if it was not. Any thread.</summary>
    public abstract RpcStatusCode? CancelledWith { get; }

    /// <summary>What serialises the reply.</summary>
    public abstract RpcMessageFormat ReplyFormat { get; }

    /// <summary>Whether there is a request message; not so if requests are a stream.</summary>
    public abstract bool HasRequest { get; }

    /// <summary>The gate ahead of the call.</summary>
    public int NextGate { get; private set; }

    /// <summary>When it last had to wait no more at any gate, as a timestamp; at first when it was read.</summary>
    public long WaitedUntil { get; set; }

    /// <summary>Since when it has its places, likewise.</summary>
    public RpcPlaceTimes HasPlacesSince;

    public RpcCallPriority Priority { get; set; }

    /// <summary>The limits ahead of the call, or around it; null without any, as by default, and when it has left them.</summary>
    protected RpcAdmission? Admission { get; private set; }

    private int EnteredGates { get; set; } // a bit for each

    /// <summary>Notes that the next gate has let the call in.</summary>
    public void OnGateEntered() => EnteredGates |= 1 << NextGate++;

    /// <summary>Goes past the next gate without being counted there.</summary>
    public void PassGate() => NextGate++;

    public void PushLease(RateLimitLease lease) => (_leases ??= new Stack<RateLimitLease>(1)).Push(lease);

    public RateLimitLease PopLease() => _leases!.Pop();

    /// <summary>The gate that the call has waited at lets it in: it goes on to the others, and runs. On the thread pool.</summary>
    public abstract void EnterNextGate();

    /// <summary>Answers a call that was ready to run with an error. Whoever was to run it.</summary>
    public abstract void Refuse(RpcFault fault);

    /// <summary>Turns an exception into what the caller gets.</summary>
    public abstract void Fail(Exception exception);

    /// <summary>Notes what a handler has thrown, for those who watch.</summary>
    public abstract void NoteException(Exception exception);

    /// <summary>Tells that a limiter of the application failed when it was given a lease back.</summary>
    public abstract void OnLeaseFailed(Exception exception);

    protected void Face(RpcAdmission admission)
    {
        Admission = admission;
        EnteredGates = 0;
        NextGate = 0;
        WaitedUntil = ReceivedAt;
    }

    /// <summary>Leaves the gates, if the call has any: the handler has ended, or will never see the call.</summary>
    /// <returns>Whether there were any.</returns>
    protected bool TryLeaveGates()
    {
        if (Admission is not { } admission)
        {
            return false;
        }

        Admission = null;
        admission.Leave(this, EnteredGates);
        return true;
    }
}
