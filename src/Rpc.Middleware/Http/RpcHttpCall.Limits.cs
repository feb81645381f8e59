using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <content>The limits that the call passes.</content>
internal sealed partial class RpcHttpCall
{
    private TaskCompletionSource<bool>? _turn; // of a call that waits at a gate: whether it may run

    /// <summary>Passes the limits of the method, waiting where they let calls wait.</summary>
    /// <returns>False if the call is refused: its fault says why.</returns>
    public ValueTask<bool> TryEnterAsync(RpcAdmission admission)
    {
        Face(admission);
        switch (admission.TryEnter(this))
        {
            case RpcGateAnswer.Entered:
                return new ValueTask<bool>(true);
            case RpcGateAnswer.Wait:
                _turn = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
                admission.Wait(this);
                return new ValueTask<bool>(_turn.Task);
            case RpcGateAnswer.InPlace:
                Fault = InPlaceFault;
                return new ValueTask<bool>(false);
            default:
                return new ValueTask<bool>(false);
        }
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
                _turn!.TrySetResult(true);
                break;
            case RpcGateAnswer.Wait:
                Admission.Wait(this);
                break;
            case RpcGateAnswer.InPlace:
                Refuse(InPlaceFault);
                break;
            default:
                Refuse(Fault!.Value);
                break;
        }
    }

    public override void OnLeaseFailed(Exception exception) => Log.LeaseNotTaken(_server.Logger, Name, _connection.ConnectionId, exception);

    /// <summary>Leaves the limits: the handler has ended, or will never see the call.</summary>
    public void LeaveGates() => TryLeaveGates();

    // An HTTP/2 connection reads on whatever one of its requests does, so that nothing would bound such calls.
    private static RpcFault InPlaceFault => RpcConcurrencyGate.TooMany;
}
