using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <remarks>Calls of methods that take or give streams.</remarks>
internal sealed partial class RpcCall
{
    // The streams of version 2 may be open already: with the first message in them.
    private bool TryPrepareStream()
    {
        if (Version2 is null)
        {
            const string NoStreams = "The method has streams, which version 1 of the protocol has not. Call it in version 2.";
            Fault = RpcFault.Of(RpcStatusCode.Unimplemented, NoStreams, _route!.Name);
            return false;
        }

        if (Version2.Stream is null)
        {
            Version2.OpenStream();
        }

        return true;
    }
}
