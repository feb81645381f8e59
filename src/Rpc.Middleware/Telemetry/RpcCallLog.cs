using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>Logs calls that were slow or failed, not more than so many a second of each method. Immutable; any thread.</summary>
internal sealed class RpcCallLog
{
    private readonly RpcServer _server;
    private readonly TimeSpan _slowerThan;
    private readonly bool _hasErrors;
    private readonly int _perSecond;

    private RpcCallLog(RpcServer server, RpcCallLogOptions options)
    {
        _server = server;
        _slowerThan = options.SlowerThan ?? TimeSpan.MaxValue;
        _hasErrors = options.Errors;
        _perSecond = options.MaxPerSecond;
    }

    /// <summary>Null if the options want none.</summary>
    public static RpcCallLog? Create(RpcServer server, RpcCallLogOptions options) =>
        options is { SlowerThan: null, Errors: false } ? null : new RpcCallLog(server, options);

    /// <summary>Logs a call if it is one of those.</summary>
    /// <param name="call">The call, which is still what it was.</param>
    /// <param name="observed">What was noted of it.</param>
    /// <param name="budget">The lines of its method.</param>
    /// <param name="end">How it ended.</param>
    public void OnEnded(RpcServedCall call, RpcObservedCall observed, RpcLogBudget budget, in RpcCallEnd end)
    {
        bool hasFailed = _hasErrors && RpcMethodTags.IsServerError(end.Status);
        if ((!hasFailed && end.Duration < _slowerThan)
            || !budget.TryTake(_server.TimeProvider, end.Timestamp, _perSecond, out long suppressed))
        {
            return;
        }

        string method = observed.Method.Method;
        string? peer = call.RemoteEndPoint?.ToString();
        string id = call.Connection.ConnectionId;
        string status = RpcMethodTags.NameOf(end.Status);
        string? trace = observed.Activity?.TraceId.ToString();
        if (hasFailed)
        {
            Log.FailedCall(_server.Logger, method, peer, id, status, end.Duration, observed.QueueTime, call.TimeLeft, trace, suppressed);
        }
        else
        {
            Log.SlowCall(_server.Logger, method, peer, id, end.Duration, status, observed.QueueTime, call.TimeLeft, trace, suppressed);
        }
    }
}
