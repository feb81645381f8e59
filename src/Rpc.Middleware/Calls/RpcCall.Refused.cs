namespace Kestrel.Rpc.Middleware;

/// <content>Calls that no handler sees.</content>
internal sealed partial class RpcCall
{
    public override void Refuse(RpcFault fault)
    {
        Fault = fault;
        if (!TryTurn())
        {
            _owner.Replies.Send(this);
        }
    }

    /// <summary>Ends a call with a fault that no handler sees.</summary>
    /// <returns>False if its reply is to be sent; else the call must not be touched any more.</returns>
    public bool TryTurn()
    {
        LeaveGates();
        return TryEndOpenStreams();
    }
}
