namespace Kestrel.Rpc.Invocation;

/// <summary>A delegate as the receiver of one reply.</summary>
internal sealed class CallbackTarget<TRet>(Action<InvocationResult<TRet>> callback) : ReplyTarget<TRet>
{
    protected override void OnReply(in InvocationResult<TRet> result) => callback(result);
}
