using System.Diagnostics;

namespace Kestrel.Rpc.Middleware;

/// <content>
/// Debug builds notice a context that is used after its call: from the moment the reply was written until the object becomes
/// another call, which <see cref="RpcCallPool"/> puts off as long as it can there. Release builds compile none of this.
/// </content>
internal sealed partial class RpcCall
{
#if DEBUG
    private volatile bool _hasEnded;
    private RpcRoute? _endedRoute;
    private uint _endedSequenceId;
#endif

    [Conditional("DEBUG")]
    private static void ThrowIfEnded(RpcCall call)
    {
#if DEBUG
        if (call._hasEnded)
        {
            throw new ObjectDisposedException(
                nameof(RpcContext),
                $"The call of '{call._endedRoute?.Name}' with the sequence id {call._endedSequenceId} has ended. Its RpcContext belongs to the "
                + "next call from then on: copy what is needed later, and await everything that uses the context.");
        }
#endif
    }

    [Conditional("DEBUG")]
    private static void NoteEnd(RpcCall call)
    {
#if DEBUG
        call._endedRoute = call._route;
        call._endedSequenceId = call._sequenceId;
        call._hasEnded = true;
#endif
    }

    [Conditional("DEBUG")]
    private static void NoteStart(RpcCall call)
    {
#if DEBUG
        call._hasEnded = false;
#endif
    }
}
