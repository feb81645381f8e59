using System.Diagnostics.Metrics;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>The server's meter. One for each host; any thread.</summary>
internal sealed class RpcServerMetrics
{
    // Of the semantic conventions.
    private static readonly InstrumentAdvice<double> Seconds = new()
    {
        HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
    };

    // Waiting for a thread is shorter than what is waited for; by powers of about ten and three up to a second.
    private static readonly InstrumentAdvice<double> ShortSeconds = new()
    {
        HistogramBucketBoundaries = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1],
    };

    // By powers of four from a line of text to the longest default message.
    private static readonly InstrumentAdvice<long> Bytes = new()
    {
        HistogramBucketBoundaries = [64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304],
    };

    private static readonly InstrumentAdvice<long> Messages = new()
    {
        HistogramBucketBoundaries = [1, 3, 10, 30, 100, 300, 1000, 3000, 10000],
    };

    private readonly Histogram<double> _duration;
    private readonly Histogram<double> _queueDuration;
    private readonly Histogram<long> _requestSize;
    private readonly Histogram<long> _responseSize;
    private readonly Histogram<long> _requests;
    private readonly Histogram<long> _responses;
    private readonly UpDownCounter<long> _activeCalls;
    private readonly UpDownCounter<long> _activeStreams;
    private readonly Counter<long> _rejectedCalls;
    private readonly Counter<long> _rejectedConnections;
    private readonly Counter<long> _closedConnections;
    private readonly RpcConnectionCounts _connections = new();

    public RpcServerMetrics(IMeterFactory meters)
    {
        Meter meter = meters.Create(RpcServerTelemetry.MeterName);
        _duration = meter.CreateHistogram(
            RpcServerTelemetry.CallDuration, "s", "Measures the duration of an incoming Remote Procedure Call (RPC).", tags: null, Seconds);
        _queueDuration = meter.CreateHistogram(
            RpcServerTelemetry.QueueDuration, "s", "From the read of a request until its pipeline has begun.", tags: null, ShortSeconds);
        _requestSize = meter.CreateHistogram(RpcServerTelemetry.RequestSize, "By", "Size of request messages, not compressed.", tags: null, Bytes);
        _responseSize = meter.CreateHistogram(RpcServerTelemetry.ResponseSize, "By", "Size of reply messages, not compressed.", tags: null, Bytes);
        _requests = meter.CreateHistogram(RpcServerTelemetry.CallRequests, "{message}", "Requests of a call with streams.", tags: null, Messages);
        _responses = meter.CreateHistogram(RpcServerTelemetry.CallResponses, "{message}", "Replies of a call with streams.", tags: null, Messages);
        _activeCalls = meter.CreateUpDownCounter<long>(RpcServerTelemetry.ActiveCalls, "{call}", "Calls that were dispatched and have not ended.");
        _activeStreams = meter.CreateUpDownCounter<long>(RpcServerTelemetry.ActiveStreams, "{call}", "Those of them that have streams.");
        _rejectedCalls = meter.CreateCounter<long>(RpcServerTelemetry.RejectedCalls, "{call}", "Calls that were refused before a handler saw them.");
        _rejectedConnections = meter.CreateCounter<long>(
            RpcServerTelemetry.RejectedConnections, "{connection}", "Connections that were refused before a call of theirs was taken.");
        _closedConnections = meter.CreateCounter<long>(
            RpcServerTelemetry.ClosedConnections, "{connection}", "Connections that the server has ended because of what their peer did, or did not do.");
        meter.CreateObservableUpDownCounter(RpcServerTelemetry.WaitingCalls, Gates.Waiting, "{call}", "Calls that wait for their turn at a limit.");
        meter.CreateObservableUpDownCounter(RpcServerTelemetry.AdmittedCalls, Gates.Admitted, "{call}", "Calls that a limit has let in and that have not ended.");
        meter.CreateObservableUpDownCounter(RpcServerTelemetry.CallLimit, Gates.Limits, "{call}", "Calls that a limit lets run at once, now.");
        meter.CreateObservableUpDownCounter(RpcServerTelemetry.Connections, _connections.Measure, "{connection}", "Open connections, by protocol and version.");
    }

    /// <summary>Whether anybody listens to what is measured for calls.</summary>
    public bool IsEnabled =>
        _duration.Enabled || _rejectedCalls.Enabled || _activeCalls.Enabled || _queueDuration.Enabled || _requestSize.Enabled
        || _responseSize.Enabled || _requests.Enabled || _responses.Enabled || _activeStreams.Enabled;

    public bool HasQueueDuration => _queueDuration.Enabled;

    public bool HasResponseSize => _responseSize.Enabled;

    /// <summary>Counts connections, whether anybody listens or not: the counts are right whenever somebody begins to.</summary>
    public RpcConnectionCounts Connections => _connections;

    /// <summary>What the limits say of themselves.</summary>
    public RpcGateMeasurements Gates { get; } = new();

    public void CallStarted(RpcMethodTags method, bool hasStreams)
    {
        _activeCalls.Add(1, method.Tags);
        if (hasStreams)
        {
            _activeStreams.Add(1, method.Tags);
        }
    }

    /// <summary>Undoes <see cref="CallStarted"/>.</summary>
    public void CallStopped(RpcMethodTags method, bool hasStreams)
    {
        _activeCalls.Add(-1, method.Tags);
        if (hasStreams)
        {
            _activeStreams.Add(-1, method.Tags);
        }
    }

    public void CallEnded(RpcMethodTags method, RpcStatusCode status, TimeSpan duration) => _duration.Record(duration.TotalSeconds, method.OfStatus(status));

    public void CallDequeued(RpcMethodTags method, TimeSpan duration) => _queueDuration.Record(duration.TotalSeconds, method.Tags);

    public void Request(RpcMethodTags method, long bytes) => _requestSize.Record(bytes, method.Tags);

    public void Response(RpcMethodTags method, long bytes) => _responseSize.Record(bytes, method.Tags);

    public void StreamsEnded(RpcMethodTags method, long requests, long responses)
    {
        _requests.Record(requests, method.Tags);
        _responses.Record(responses, method.Tags);
    }

    /// <summary>Counts a call that no handler has seen.</summary>
    /// <param name="method">The method, as far as it is known.</param>
    /// <param name="reason">One of the few words that <see cref="RpcServerTelemetry.ReasonTag"/> names.</param>
    public void CallRejected(RpcMethodTags method, string reason) =>
        _rejectedCalls.Add(1, method.Tags[0], method.Tags[1], new KeyValuePair<string, object?>(RpcServerTelemetry.ReasonTag, reason));

    /// <summary>Counts a connection that was refused before a call of it was taken.</summary>
    public void ConnectionRejected(string reason) => _rejectedConnections.Add(1, new KeyValuePair<string, object?>(RpcServerTelemetry.ReasonTag, reason));

    /// <summary>Counts a connection that the server ends because of its peer.</summary>
    public void ConnectionClosed(string reason) => _closedConnections.Add(1, new KeyValuePair<string, object?>(RpcServerTelemetry.CloseReasonTag, reason));
}
