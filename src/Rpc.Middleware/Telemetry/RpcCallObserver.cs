using System.Buffers;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// What becomes of a call for those who watch: measurements, an activity, a log line. One for each server; any thread. Listeners are code of the
/// application: what they throw is reported once and costs no call.
/// </summary>
internal sealed class RpcCallObserver(RpcServer server, RpcServerMetrics metrics, RpcTracing tracing)
{
    private volatile RpcCallLog? _log = RpcCallLog.Create(server, server.Options.CallLog);
    private readonly RpcLogBudget _linesOfOthers = new(); // their tags are those of all servers
    private int _hasFailed;

    /// <summary>Whether anybody watches. Asked once for each read of a connection.</summary>
    public bool IsOn => _log is not null || tracing.IsOn || metrics.IsEnabled;

    public RpcServerMetrics Metrics => metrics;

    public RpcTracing Tracing => tracing;

    private TimeProvider Time => server.TimeProvider;

    /// <summary>Goes on with other options of the log.</summary>
    public void Apply(RpcCallLogOptions options) => _log = RpcCallLog.Create(server, options);

    /// <summary>A call has its method, and is about to run unless its request is none.</summary>
    public void OnDispatched(RpcObservedCall observed, RpcEndpoint endpoint, in ReadOnlySequence<byte> body)
    {
        try
        {
            observed.Method = endpoint.Tags;
            observed.HasStreams = endpoint.Shape != RpcMethodShape.Unary;
            observed.IsDispatched = true;
            metrics.CallStarted(observed.Method, observed.HasStreams);
            if (!endpoint.HasRequestStream)
            {
                metrics.Request(observed.Method, body.Length);
            }
        }
        catch (Exception exception)
        {
            OnFailed(exception);
        }
    }

    /// <summary>The pipeline of a call begins.</summary>
    public void OnRunning(RpcObservedCall observed, long receivedAt)
    {
        if (_log is null && !metrics.HasQueueDuration)
        {
            return;
        }

        observed.QueueTime = Time.GetElapsedTime(receivedAt);
        try
        {
            metrics.CallDequeued(observed.Method, observed.QueueTime);
        }
        catch (Exception exception)
        {
            OnFailed(exception);
        }
    }

    /// <summary>A call has ended; it is still what it was.</summary>
    /// <param name="call">The call.</param>
    /// <param name="observed">What was noted of it.</param>
    /// <param name="isWritten">Whether its reply, or the error in its place, is on its way.</param>
    public void OnEnded(RpcServedCall call, RpcObservedCall observed, bool isWritten)
    {
        RpcFault? fault = call.Fault;
        RpcCallEnd end = new(
            fault?.Status.Code ?? (isWritten ? RpcStatusCode.Ok : RpcStatusCode.Cancelled), Time.GetTimestamp(), Time.GetElapsedTime(call.ReceivedAt));
        try
        {
            Measure(call, observed, fault, end, isWritten);
            RpcTracing.Stop(observed.Activity, fault, end);
        }
        catch (Exception exception)
        {
            OnFailed(exception);
        }

        _log?.OnEnded(call, observed, observed.Method == RpcMethodTags.Other ? _linesOfOthers : observed.Method.LogBudget, end);
    }

    /// <summary>A connection was refused before a call of it was taken.</summary>
    /// <param name="reason">One of the few words that <see cref="RpcServerTelemetry.ReasonTag"/> names.</param>
    public void OnConnectionRejected(string reason)
    {
        try
        {
            metrics.ConnectionRejected(reason);
        }
        catch (Exception exception)
        {
            OnFailed(exception);
        }
    }

    /// <summary>The server ends a connection because of its peer.</summary>
    /// <param name="reason">One of the few words that <see cref="RpcServerTelemetry.CloseReasonTag"/> names.</param>
    public void OnConnectionClosed(string reason)
    {
        try
        {
            metrics.ConnectionClosed(reason);
        }
        catch (Exception exception)
        {
            OnFailed(exception);
        }
    }

    /// <summary>A listener has thrown.</summary>
    public void OnFailed(Exception exception)
    {
        if (Interlocked.Exchange(ref _hasFailed, 1) == 0)
        {
            Log.TelemetryFailed(server.Logger, exception);
        }
    }

    private void Measure(RpcServedCall call, RpcObservedCall observed, RpcFault? fault, in RpcCallEnd end, bool isWritten)
    {
        if (observed.IsDispatched)
        {
            metrics.CallStopped(observed.Method, observed.HasStreams);
            int last = 0;
            if (isWritten && fault is null && call.Reply is { } reply)
            {
                last = 1;
                if (metrics.HasResponseSize)
                {
                    metrics.Response(observed.Method, call.ReplyFormat.Measure(reply));
                }
            }

            if (observed.Streams is { } streams)
            {
                metrics.StreamsEnded(observed.Method, streams.Requests + (call.HasRequest ? 1 : 0), streams.Responses + last);
            }
        }

        metrics.CallEnded(observed.Method, end.Status, end.Duration);
        if (fault is { IsNotProcessed: true } refused && end.Status != RpcStatusCode.Unimplemented)
        {
            metrics.CallRejected(observed.Method, RpcRejections.ReasonOf(refused.Rejection, end.Status));
        }
    }
}
