using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Kestrel.Rpc.Invocation;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>Puts calls of the network into the buffer of their source, or refuses them.</summary>
internal sealed class RpcSourceEntrance<TArg, TRet>(InvocationChannelClient<TArg, TRet> buffer, bool rejectsWhenFull) : IInvocationHandler<TArg, TRet>
{
    public ValueTask HandleAsync(Invocation<TArg, TRet> invocation)
    {
        if (buffer.TrySend(invocation))
        {
            return default;
        }

        if (buffer.IsClosed)
        {
            invocation.Fail(RpcNotTaken.Because(RpcStatusCode.Unavailable, "The server takes no more calls of this method."));
            return default;
        }

        if (rejectsWhenFull)
        {
            invocation.Fail(RpcNotTaken.Because(RpcStatusCode.ResourceExhausted, "Too many calls of this method wait."));
            return default;
        }

        return WaitAsync(invocation);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WaitAsync(Invocation<TArg, TRet> invocation)
    {
        CancellationToken cancellation = invocation.CancellationToken;
        try
        {
            await buffer.SendAsync(invocation, cancellation).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            invocation.Fail(RpcNotTaken.Because(RpcStatusCode.Unavailable, "The server takes no more calls of this method."));
        }

        // Cancelled: what leaves here is the call's end, as with any handler.
    }
}
