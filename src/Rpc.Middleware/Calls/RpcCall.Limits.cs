using System.Threading.RateLimiting;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <remarks>The limits that the call has passed. Without any, as by default, nothing here is touched.</remarks>
internal sealed partial class RpcCall
{
    private RpcAdmission? _admission;
    private int _enteredGates; // a bit for each
    private Stack<RateLimitLease>? _leases; // of the gates that give them, in their order

    /// <summary>The gate ahead of the call.</summary>
    public int NextGate { get; private set; }

    /// <summary>When it last had to wait no more at any gate, as a timestamp; at first when it was read.</summary>
    public long WaitedUntil { get; set; }

    /// <summary>Since when it has its places, likewise.</summary>
    public RpcPlaceTimes HasPlacesSince;

    public RpcCallPriority Priority { get; set; }

    /// <summary>Whether its connection reads nothing until it has ended.</summary>
    public bool IsInPlace { get; set; }

    // Handlers of such a call would find that nobody waits for what they do.
    private bool IsLate => (Version2 is not null ? Version2.Timeout : Plugged?.Timeout) is not null && TimeLeft <= TimeSpan.Zero;

    /// <summary>Notes which limits are ahead of the call.</summary>
    public void Face(RpcRoute route, RpcAdmission admission)
    {
        _route = route;
        _admission = admission;
        _enteredGates = 0;
        NextGate = 0;
        WaitedUntil = ReceivedAt;
    }

    /// <summary>Notes that the next gate has let the call in.</summary>
    public void OnGateEntered() => _enteredGates |= 1 << NextGate++;

    /// <summary>Goes past the next gate without being counted there.</summary>
    public void PassGate() => NextGate++;

    public void PushLease(RateLimitLease lease) => (_leases ??= new Stack<RateLimitLease>(1)).Push(lease);

    public RateLimitLease PopLease() => _leases!.Pop();

    /// <summary>The gate that the call has waited at lets it in: it goes on to the others, and runs. On the thread pool.</summary>
    public void EnterNextGate()
    {
        OnGateEntered();
        if (CancelledWith is { } cancelled)
        {
            Refuse(RpcConcurrencyGate.Because(cancelled));
            return;
        }

        switch (_admission!.TryEnter(this))
        {
            case RpcGateAnswer.Entered:
                _owner.RunElsewhere(this, _route!.Endpoint.Scheduling);
                break;
            case RpcGateAnswer.Wait:
                _admission.Wait(this);
                break;
            case RpcGateAnswer.InPlace:
                // Its connection reads already.
                Refuse(RpcConcurrencyGate.TooMany);
                break;
            default:
                Refuse(Fault!.Value);
                break;
        }
    }

    /// <summary>Tells that a limiter of the application failed when it was given a lease back.</summary>
    public void OnLeaseFailed(Exception exception) => Log.LeaseNotTaken(_owner.Logger, _route!.Endpoint.Name, _owner.Connection.ConnectionId, exception);

    // The handler has ended, or will never see the call.
    private void LeaveGates()
    {
        if (_admission is { } admission)
        {
            _admission = null;
            admission.Leave(this, _enteredGates);
            if (IsInPlace)
            {
                IsInPlace = false;
                _owner.OnInPlaceEnded();
            }
        }
    }
}
