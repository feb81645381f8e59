namespace Kestrel.Rpc.Middleware;

/// <summary>
/// A call in the line of a gate. Not used again: the call object may serve another call while a cancellation of this one still looks for it here.
/// </summary>
internal sealed class RpcWaitingCall(RpcServedCall call, RpcConcurrencyGate gate) : IThreadPoolWorkItem
{
    /// <summary>Whose it is while it waits; the gate's line otherwise knows no more of it.</summary>
    public RpcServedCall Call => call;

    /// <summary>Under the lock of the gate, as the next two.</summary>
    public RpcWaitingState State { get; set; }

    public RpcWaitingCall? Next { get; set; }

    public RpcWaitingCall? Previous { get; set; }

    /// <summary>With the call's token. Set before the call stands in line.</summary>
    public CancellationTokenRegistration Registration { get; set; }

    /// <summary>The call was cancelled.</summary>
    public void GiveUp() => gate.GiveUp(this);

    /// <summary>Its turn has come.</summary>
    void IThreadPoolWorkItem.Execute() => call.EnterNextGate();
}
