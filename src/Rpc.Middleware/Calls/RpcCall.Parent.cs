using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <remarks>As the calls see it that are made for it.</remarks>
internal sealed partial class RpcCall : IRpcParentCall
{
    // The caller's clock may say first that the time is over, and a timer a little before the clock.
    TimeSpan? IRpcParentCall.TimeLeft => CancelledWith == RpcStatusCode.DeadlineExceeded ? TimeSpan.Zero : TimeLeft;
}
