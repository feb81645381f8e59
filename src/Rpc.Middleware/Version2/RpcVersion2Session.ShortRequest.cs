using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <content>The requests that nearly all calls are: END, a method by its index, no fields.</content>
internal sealed partial class RpcVersion2Session
{
    // False if there is anything to judge; then the long way does it, with its reasons.
    private bool TryStartShort(in RpcFrame frame)
    {
        uint id = frame.Header.SequenceId;
        if (!RpcReceivedHeader.TryReadShortRequest(frame.ProtocolData, out int index)
            || _methods.Find(index)?.Route is not { Endpoint.Shape: RpcMethodShape.Unary } route
            || _connection.IsDraining
            || UnderWay >= _maxConcurrentCalls
            || _active.Find(id) is not null)
        {
            return false;
        }

        RpcCall call = _connection.StartCall(id);
        RpcVersion2Call state = call.Version2!;
        state.Start(id);
        LetIn(state);
        _active.Add(id, call);
        _connection.Run(call, route, frame.Body);
        return true;
    }
}
