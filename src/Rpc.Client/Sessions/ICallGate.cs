namespace Kestrel.Rpc.Client;

/// <summary>Decides when requests may leave. Any thread.</summary>
internal interface ICallGate
{
    /// <summary>Lets a request leave at once, if it may.</summary>
    bool TryPass(PendingCall call);

    /// <summary>Has a request wait until it may leave, in the order they came; one whose call has ended by then never does.</summary>
    void Wait(PendingCall call);
}
