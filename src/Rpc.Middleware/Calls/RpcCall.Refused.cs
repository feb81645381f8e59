namespace Kestrel.Rpc.Middleware;

/// <content>Calls that no handler sees.</content>
internal sealed partial class RpcCall
{
    /// <summary>Answers a call that was ready to run with an error. Whoever was to run it.</summary>
    public void Refuse(RpcFault fault)
    {
        Fault = fault;
        if (!TryEndOpenStreams())
        {
            _owner.Replies.Send(this);
        }
    }
}
