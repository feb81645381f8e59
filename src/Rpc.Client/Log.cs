using Kestrel.Rpc.Protocol;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Client;

/// <summary>Every message this assembly logs. The ids are stable.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Debug, "Connection {ConnectionId} to {EndPoint} is open.", EventName = "ConnectionOpened")]
    public static partial void ConnectionOpened(ILogger logger, string connectionId, object? endPoint);

    [LoggerMessage(2, LogLevel.Debug, "Connection {ConnectionId} ended: {Reason}", EventName = "ConnectionEnded")]
    public static partial void ConnectionEnded(ILogger logger, string connectionId, string reason);

    [LoggerMessage(3, LogLevel.Warning, "Connection {ConnectionId} failed with {PendingCalls} calls under way: {Reason}", EventName = "ConnectionFailed")]
    public static partial void ConnectionFailed(ILogger logger, string connectionId, int pendingCalls, string reason, Exception? exception);

    // Debug: replies to cancelled calls are expected, and a lying peer must not fill the log.
    [LoggerMessage(4, LogLevel.Debug, "Connection {ConnectionId} dropped a reply with sequence id {SequenceId}: no call waits for it.", EventName = "UnmatchedReply")]
    public static partial void UnmatchedReply(ILogger logger, string connectionId, uint sequenceId);

    [LoggerMessage(5, LogLevel.Debug, "Connection {ConnectionId} got the error {Code} for sequence id {SequenceId}.", EventName = "ErrorReply")]
    public static partial void ErrorReply(ILogger logger, string connectionId, RpcErrorCode code, uint sequenceId);

    [LoggerMessage(6, LogLevel.Debug, "Connection {ConnectionId} did not close within the time-out and is aborted.", EventName = "CloseTimedOut")]
    public static partial void CloseTimedOut(ILogger logger, string connectionId);

    [LoggerMessage(7, LogLevel.Debug, "Connection {ConnectionId} met an error while it closed.", EventName = "CloseFailed")]
    public static partial void CloseFailed(ILogger logger, string connectionId, Exception exception);

    [LoggerMessage(8, LogLevel.Information, "Connection {ConnectionId} takes no new calls, the server goes: {Reason}", EventName = "GoingAway")]
    public static partial void GoingAway(ILogger logger, string connectionId, string reason);
}
