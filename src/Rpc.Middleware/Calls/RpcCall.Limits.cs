using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <remarks>The limits that the call has passed. Without any, as by default, nothing here is touched.</remarks>
internal sealed partial class RpcCall
{
    /// <summary>Whether its connection reads nothing until it has ended.</summary>
    public bool IsInPlace { get; set; }

    // Handlers of such a call would find that nobody waits for what they do.
    private bool IsLate => (Version2 is not null ? Version2.Timeout : Plugged is not null ? Plugged.Timeout : _ownTimeLimit) is not null && TimeLeft <= TimeSpan.Zero;

    /// <summary>Notes which limits are ahead of the call.</summary>
    public void Face(RpcRoute route, RpcAdmission admission)
    {
        _route = route;
        Face(admission);
    }

    public override void EnterNextGate()
    {
        OnGateEntered();
        if (CancelledWith is { } cancelled)
        {
            Refuse(RpcConcurrencyGate.Because(cancelled));
            return;
        }

        switch (Admission!.TryEnter(this))
        {
            case RpcGateAnswer.Entered:
                _owner.RunElsewhere(this, _route!.Endpoint.Scheduling);
                break;
            case RpcGateAnswer.Wait:
                Admission.Wait(this);
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

    public override void OnLeaseFailed(Exception exception) => Log.LeaseNotTaken(_owner.Logger, _route!.Endpoint.Name, _owner.Connection.ConnectionId, exception);

    // The handler has ended, or will never see the call.
    private void LeaveGates()
    {
        if (TryLeaveGates() && IsInPlace)
        {
            IsInPlace = false;
            _owner.OnInPlaceEnded();
        }
    }
}
