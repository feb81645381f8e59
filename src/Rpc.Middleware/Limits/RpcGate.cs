namespace Kestrel.Rpc.Middleware;

/// <summary>One limit that calls pass before they run: of the server, or of a method. Any thread.</summary>
internal abstract class RpcGate
{
    /// <summary>Whether it looks at the call as the application sees it, so that its request must be parsed first.</summary>
    public virtual bool NeedsRequest => false;

    /// <summary>Lets a call in, if that can be said at once.</summary>
    public abstract RpcGateAnswer TryEnter(RpcServedCall call);

    /// <summary>
    /// Takes a call that may wait. It is the gate's from here on: it has <see cref="RpcServedCall.EnterNextGate"/> called once there is room, on the thread pool, or refuses it.
    /// </summary>
    public abstract void Wait(RpcServedCall call);

    /// <summary>Notes that a call which was let in has ended.</summary>
    public abstract void Leave(RpcServedCall call);
}
