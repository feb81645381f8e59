using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Middleware;

/// <content>70-79: credentials of calls, abuse</content>
internal static partial class Log
{
    [LoggerMessage(70, LogLevel.Error, "The authenticator of calls has failed for a call of {Method} on connection {ConnectionId}.")]
    public static partial void CallAuthenticatorFailed(ILogger logger, string method, string connectionId, Exception exception);

    [LoggerMessage(71, LogLevel.Warning, "A call of {Method} on connection {ConnectionId} was not authenticated within {Timeout}.")]
    public static partial void CallAuthenticationTimedOut(ILogger logger, string method, string connectionId, TimeSpan timeout);

    [LoggerMessage(72, LogLevel.Warning, "Connection {ConnectionId} is closed because it sends more than is of use: {Reason}")]
    public static partial void Flooded(ILogger logger, string connectionId, string reason);

    [LoggerMessage(73, LogLevel.Warning, "{Count} lines of event {Event} were held back: more than {Most} came within a second.")]
    public static partial void LinesHeldBack(ILogger logger, long count, int @event, int most);
}
