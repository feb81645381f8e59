using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Middleware;

/// <content>80-89: telemetry and health.</content>
internal static partial class Log
{
    [LoggerMessage(80, LogLevel.Error, "A listener of the server's activities or measurements has failed. Later failures are not reported.")]
    public static partial void TelemetryFailed(ILogger logger, Exception exception);

    [LoggerMessage(81, LogLevel.Warning,
        "The call of {Method} from {Peer} on connection {ConnectionId} took {Duration} and ended with {Status}. It waited {QueueTime} for its pipeline; "
        + "time left: {TimeLeft}; trace: {TraceId}; not logged before: {Suppressed}.")]
    public static partial void SlowCall(
        ILogger logger, string method, string? peer, string connectionId, TimeSpan duration, string status, TimeSpan queueTime, TimeSpan? timeLeft, string? traceId,
        long suppressed);

    [LoggerMessage(82, LogLevel.Warning,
        "The call of {Method} from {Peer} on connection {ConnectionId} failed with {Status} after {Duration}. It waited {QueueTime} for its pipeline; "
        + "time left: {TimeLeft}; trace: {TraceId}; not logged before: {Suppressed}.")]
    public static partial void FailedCall(
        ILogger logger, string method, string? peer, string connectionId, string status, TimeSpan duration, TimeSpan queueTime, TimeSpan? timeLeft, string? traceId,
        long suppressed);

    [LoggerMessage(83, LogLevel.Error, "The health checks could not be run, so the server says that it does not serve.")]
    public static partial void HealthChecksFailed(ILogger logger, Exception exception);
}
