using Kestrel.Rpc.Protocol;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Middleware;

/// <content>60-69: limits</content>
internal static partial class Log
{
    [LoggerMessage(60, LogLevel.Debug, "Connection {ConnectionId} is closed: it was idle for {Timeout}.")]
    public static partial void ConnectionIdle(ILogger logger, string connectionId, TimeSpan timeout);

    [LoggerMessage(61, LogLevel.Information, "Connection {ConnectionId} is closed: a frame came too slowly, of which {Count} bytes are there.")]
    public static partial void PeerSendsTooSlowly(ILogger logger, string connectionId, long count);

    [LoggerMessage(62, LogLevel.Information, "Connection {ConnectionId} was aborted: its peer has read nothing for {Timeout}.")]
    public static partial void PeerReadsTooSlowly(ILogger logger, string connectionId, TimeSpan timeout);

    [LoggerMessage(63, LogLevel.Warning, "Connection {ConnectionId} is refused: the server has {Most} RPC connections, which is the most.")]
    public static partial void TooManyConnections(ILogger logger, string connectionId, int most);

    [LoggerMessage(64, LogLevel.Error, "The rate limiter of {Method} failed when it was given a lease back. Connection {ConnectionId}.")]
    public static partial void LeaseNotTaken(ILogger logger, RpcMethodName method, string connectionId, Exception exception);

    [LoggerMessage(65, LogLevel.Information, "Connection {ConnectionId}: {Count} calls end with an error, because their caller has granted nothing for their replies for {Timeout}.")]
    public static partial void RepliesUnwanted(ILogger logger, string connectionId, int count, TimeSpan timeout);
}
