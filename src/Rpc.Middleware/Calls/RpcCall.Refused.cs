namespace Kestrel.Rpc.Middleware;

/// <content>Calls that no handler sees.</content>
internal sealed partial class RpcCall
{
    /// <summary>Answers a call that was ready to run with an error. Whoever was to run it.</summary>
    public void Refuse(RpcFault fault)
    {
        Fault = fault;
        if (Version2?.Stream is { } stream)
        {
            stream.OnHandlerEnded();
        }
        else
        {
            _owner.Replies.Send(this);
        }
    }
}
