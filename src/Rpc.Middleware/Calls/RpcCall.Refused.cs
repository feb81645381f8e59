namespace Kestrel.Rpc.Middleware;

/// <content>Calls that no handler sees.</content>
internal sealed partial class RpcCall
{
    /// <summary>Answers a call that was to run with an error. Not on the read loop, which has its own way.</summary>
    public void Refuse(RpcFault fault)
    {
        Fault = fault;
        if (!TryEndOpenStreams())
        {
            _owner.Replies.Send(this);
        }
    }
}
