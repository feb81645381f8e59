using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Middleware;

/// <content>90-99: the host's stop, configuration.</content>
internal static partial class Log
{
    [LoggerMessage(90, LogLevel.Information, "The host stops. The server goes on as before for {Delay}, then it takes no new calls.")]
    public static partial void StopDelayed(ILogger logger, TimeSpan delay);

    [LoggerMessage(91, LogLevel.Warning, "The time for calls to end is over: those of connection {ConnectionId} are cancelled, because the host stops.")]
    public static partial void DrainTimeOver(ILogger logger, string connectionId);

    [LoggerMessage(92, LogLevel.Warning,
        "Configuration does not say where these services listen, and no end point of the program serves them: {Services}. Name them in Rpc:Server:Service, or call UseRpc() on an end point.")]
    public static partial void NotPlaced(ILogger logger, string services);

    [LoggerMessage(93, LogLevel.Error, "The configuration has changed and is not taken; the server goes on with what it had. {Reason}")]
    public static partial void ReloadRefused(ILogger logger, string reason);

    [LoggerMessage(94, LogLevel.Warning, "{Key} has changed. That takes effect when the host starts again.")]
    public static partial void NotReloadable(ILogger logger, string key);

    [LoggerMessage(95, LogLevel.Information, "The configuration has changed and is taken: {Keys}.")]
    public static partial void Reloaded(ILogger logger, string keys);
}
