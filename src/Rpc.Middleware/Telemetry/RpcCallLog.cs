using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>Logs calls that were slow or failed, not more than so many a second of each method. Any thread.</summary>
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
    public static RpcCallLog? Create(RpcServer server) =>
        server.Options.CallLog is { SlowerThan: null, Errors: false } ? null : new RpcCallLog(server, server.Options.CallLog);

    public void OnEnded(RpcServedCall call, RpcObservedCall observed, in RpcCallEnd end)
    {
        bool hasFailed = _hasErrors && RpcMethodTags.IsServerError(end.Status);
        if ((!hasFailed && end.Duration < _slowerThan)
            || !observed.Method.LogBudget.TryTake(_server.TimeProvider, end.Timestamp, _perSecond, out long suppressed))
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
