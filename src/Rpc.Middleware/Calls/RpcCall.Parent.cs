using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <remarks>As the calls see it that are made for it.</remarks>
internal sealed partial class RpcCall : IRpcParentCall
{
    // The timer that cancels the token may fire a little before the clock says so: then the time is over, and the call was not given up.
    TimeSpan? IRpcParentCall.TimeLeft => CancelledWith == RpcStatusCode.DeadlineExceeded ? TimeSpan.Zero : TimeLeft;
}
