namespace Kestrel.Rpc.Middleware;

/// <content>What a call learns of the server's end.</content>
internal sealed partial class RpcCall
{
    public override CancellationToken ServerStopping
    {
        get
        {
            ThrowIfEnded(this);
            return _owner.Server.Stopping;
        }
    }
}
