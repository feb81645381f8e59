using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Why a call failed whose handler has not seen it: the inner exception of an <see cref="RpcException"/>, by which <see cref="RpcExceptions"/> knows
/// that the call may be made again. Nobody else can throw it, as <see cref="RpcException.IsNotProcessed"/> of a call that a handler has made itself.
/// </summary>
internal sealed class RpcNotTaken : Exception
{
    private RpcNotTaken(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    public static RpcException Because(RpcStatusCode code, string message, Exception? reason = null) =>
        new(code, message, new RpcNotTaken(message, reason));
}
