namespace Kestrel.Rpc.Middleware;

/// <summary>
/// The bound on calls of a connection that run, of which each connection has its own. The first gate of all: what waits here has nothing that others wait for.
/// </summary>
internal sealed class RpcConnectionGate(RpcConcurrencyOptions options, RpcCallPriorities priorities, TimeProvider time) : RpcGate
{
    // By the read loop of the call's connection, as the first gate always is.
    public override RpcGateAnswer TryEnter(RpcServedCall served) => served is not RpcCall call
        ? RpcGateAnswer.Entered // over HTTP, whose connections have bounds of their own
        : (call.Owner.CallGate ??= new RpcConcurrencyGate(options, priorities, time, RpcGateKind.OfConnection)).TryEnter(call);

    public override void Wait(RpcServedCall call) => ((RpcCall)call).Owner.CallGate!.Wait(call);

    public override void Leave(RpcServedCall served)
    {
        if (served is RpcCall call)
        {
            call.Owner.CallGate!.Leave(call);
        }
    }
}
