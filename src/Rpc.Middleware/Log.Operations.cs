using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Middleware;

/// <content>90-99: the host's stop, configuration.</content>
internal static partial class Log
{
    [LoggerMessage(90, LogLevel.Information, "The host stops. The server goes on as before for {Delay}, then it takes no new calls.")]
    public static partial void StopDelayed(ILogger logger, TimeSpan delay);

    [LoggerMessage(91, LogLevel.Warning, "The time for calls to end is over: those of connection {ConnectionId} are cancelled, because the host stops.")]
    public static partial void DrainTimeOver(ILogger logger, string connectionId);
}
