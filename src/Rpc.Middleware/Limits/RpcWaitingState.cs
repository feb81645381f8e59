namespace Kestrel.Rpc.Middleware;

/// <summary>Where a <see cref="RpcWaitingCall"/> is. Changed under its gate's lock.</summary>
internal enum RpcWaitingState
{
    New,
    InLine,
    GivenUp,
    Gone,
}
