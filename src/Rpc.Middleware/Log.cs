using Kestrel.Rpc.Protocol;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Middleware;

/// <summary>Every log line of the server. The ids are stable: a number is never used for anything else.</summary>
internal static partial class Log
{
    // 1-9: start-up

    [LoggerMessage(1, LogLevel.Warning,
        "RPC methods are mapped ({Count}), but no end point of Kestrel serves RPC. Call UseRpc() on one: "
        + "builder.WebHost.ConfigureKestrel(k => k.ListenAnyIP(8000, l => l.UseRpc())).")]
    public static partial void NoListener(ILogger logger, int count);

    // 10-19: before the protocol of a connection is known

    [LoggerMessage(10, LogLevel.Information, "Connection {ConnectionId} was closed: it is not RPC, and its end point serves nothing else.")]
    public static partial void UnknownProtocol(ILogger logger, string connectionId);

    [LoggerMessage(11, LogLevel.Information, "Connection {ConnectionId} was closed: it did not show its protocol within {Timeout}.")]
    public static partial void SniffTimedOut(ILogger logger, string connectionId, TimeSpan timeout);

    [LoggerMessage(12, LogLevel.Error,
        "Connection {ConnectionId} begins with a TLS handshake that reached UseRpc(). To serve RPC over TLS call UseHttps() before UseRpc(). "
        + "Later connections of this end point are not reported.")]
    public static partial void UnexpectedTls(ILogger logger, string connectionId);

    [LoggerMessage(13, LogLevel.Warning,
        "Connection {ConnectionId} begins with HTTP/2 without TLS, which its end point does not serve beside HTTP/1: either something was added to "
        + "the end point after UseRpc(), which must be the last then, or it comes from addresses alone; name it with Listen(...); "
        + "or a transport serves all end points because it is no IConnectionListenerFactorySelector. "
        + "Later connections of this end point are not reported.")]
    public static partial void Http2NotServed(ILogger logger, string connectionId);

    // 20-29: connections

    [LoggerMessage(20, LogLevel.Debug, "Connection {ConnectionId} failed: {Reason}")]
    public static partial void ConnectionFailed(ILogger logger, string connectionId, string reason);

    [LoggerMessage(21, LogLevel.Error, "Connection {ConnectionId} was aborted because of an unexpected exception.")]
    public static partial void ConnectionDefect(ILogger logger, string connectionId, Exception exception);

    [LoggerMessage(22, LogLevel.Debug, "Connection {ConnectionId} takes no more replies: {Reason}")]
    public static partial void OutputBroken(ILogger logger, string connectionId, string reason);

    [LoggerMessage(23, LogLevel.Information, "Connection {ConnectionId} is closed because of a bad frame: {Reason}")]
    public static partial void BadFrame(ILogger logger, string connectionId, string reason);

    [LoggerMessage(24, LogLevel.Information, "Connection {ConnectionId} ended within a frame, after {Count} bytes of it.")]
    public static partial void TruncatedFrame(ILogger logger, string connectionId, long count);

    [LoggerMessage(25, LogLevel.Error, "A callback that a handler had registered for cancellation failed. Connection {ConnectionId}.")]
    public static partial void CancellationFailed(ILogger logger, string connectionId, Exception exception);

    [LoggerMessage(26, LogLevel.Information, "The client of connection {ConnectionId} ends it with {Code}: {Reason}")]
    public static partial void PeerGoesAway(ILogger logger, string connectionId, RpcGoAwayCode code, string reason);

    // 30-39: calls

    [LoggerMessage(30, LogLevel.Information, "A call on connection {ConnectionId} was refused: {Reason}")]
    public static partial void CallNotDispatched(ILogger logger, string connectionId, string reason);

    [LoggerMessage(31, LogLevel.Information, "The call of {Method} on connection {ConnectionId} was refused with {Code}: {Reason}")]
    public static partial void CallRefused(ILogger logger, RpcMethodName method, string connectionId, RpcErrorCode code, string reason);

    [LoggerMessage(32, LogLevel.Error, "The handler of {Method} failed. Connection {ConnectionId}.")]
    public static partial void HandlerFailed(ILogger logger, RpcMethodName method, string connectionId, Exception exception);

    [LoggerMessage(33, LogLevel.Debug, "The call of {Method} was cancelled, because connection {ConnectionId} is gone or the host stops.")]
    public static partial void CallCancelled(ILogger logger, RpcMethodName method, string connectionId, Exception exception);

    [LoggerMessage(34, LogLevel.Error, "The handler of {Method} gave no reply. Connection {ConnectionId}.")]
    public static partial void NoReply(ILogger logger, RpcMethodName method, string connectionId);

    [LoggerMessage(35, LogLevel.Error, "The reply of {Method} could not be written. Connection {ConnectionId}.")]
    public static partial void ReplyNotWritten(ILogger logger, RpcMethodName method, string connectionId, Exception exception);

    // 40-49: who the peers are

    [LoggerMessage(40, LogLevel.Information, "Connection {ConnectionId} is closed because it was not authenticated: {Reason}")]
    public static partial void NotAuthenticated(ILogger logger, string connectionId, string reason);

    [LoggerMessage(41, LogLevel.Error, "The authenticator of connections has failed. Connection {ConnectionId} is closed.")]
    public static partial void AuthenticatorFailed(ILogger logger, string connectionId, Exception exception);

    [LoggerMessage(42, LogLevel.Warning, "Connection {ConnectionId} is closed because it was not authenticated within {Timeout}.")]
    public static partial void AuthenticationTimedOut(ILogger logger, string connectionId, TimeSpan timeout);
}
