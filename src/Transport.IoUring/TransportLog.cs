using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// Every log message of the transports. Events 1 to 19 carry the ids and levels of Kestrel's Sockets transport, so that
/// filters and dashboards made for it go on working.
/// </summary>
internal static partial class TransportLog
{
    [LoggerMessage(4, LogLevel.Debug, @"Connection id ""{ConnectionId}"" paused.", EventName = "ConnectionPause")]
    public static partial void ConnectionPause(ILogger logger, string connectionId);

    [LoggerMessage(5, LogLevel.Debug, @"Connection id ""{ConnectionId}"" resumed.", EventName = "ConnectionResume")]
    public static partial void ConnectionResume(ILogger logger, string connectionId);

    [LoggerMessage(6, LogLevel.Debug, @"Connection id ""{ConnectionId}"" received FIN.", EventName = "ConnectionReadFin")]
    public static partial void ConnectionReadFin(ILogger logger, string connectionId);

    [LoggerMessage(7, LogLevel.Debug, @"Connection id ""{ConnectionId}"" sending FIN because: ""{Reason}""", EventName = "ConnectionWriteFin")]
    public static partial void ConnectionWriteFin(ILogger logger, string connectionId, string reason);

    [LoggerMessage(8, LogLevel.Debug, @"Connection id ""{ConnectionId}"" sending RST because: ""{Reason}""", EventName = "ConnectionWriteRst")]
    public static partial void ConnectionWriteRst(ILogger logger, string connectionId, string reason);

    [LoggerMessage(14, LogLevel.Debug, @"Connection id ""{ConnectionId}"" communication error.", EventName = "ConnectionError")]
    public static partial void ConnectionError(ILogger logger, string connectionId, Exception error);

    [LoggerMessage(19, LogLevel.Debug, @"Connection id ""{ConnectionId}"" reset.", EventName = "ConnectionReset")]
    public static partial void ConnectionReset(ILogger logger, string connectionId);

    [LoggerMessage(100, LogLevel.Information, "The {Engine} transport runs {LoopCount} event loop(s); mode: {Mode}; processors: {Processors}; application scheduling: {Scheduling}.", EventName = "TransportStarted")]
    public static partial void TransportStarted(
        ILogger logger, string engine, int loopCount, string mode, string processors, ApplicationScheduling scheduling);

    [LoggerMessage(101, LogLevel.Warning, "io_uring is not usable here ({Reason}): the epoll transport serves instead.", EventName = "IoUringFallback")]
    public static partial void IoUringFallback(ILogger logger, string reason);

    [LoggerMessage(102, LogLevel.Warning, "Accepting connections on {EndPoint} pauses: {Reason}. It is tried again every {Delay}; this is logged once.", EventName = "AcceptPaused")]
    public static partial void AcceptPaused(ILogger logger, string endPoint, string reason, TimeSpan delay);

    [LoggerMessage(103, LogLevel.Information, "Accepting connections on {EndPoint} resumed.", EventName = "AcceptResumed")]
    public static partial void AcceptResumed(ILogger logger, string endPoint);

    [LoggerMessage(104, LogLevel.Debug, "A connection to {EndPoint} was gone before it was accepted: {Reason}.", EventName = "AcceptAborted")]
    public static partial void AcceptAborted(ILogger logger, string endPoint, string reason);

    [LoggerMessage(105, LogLevel.Error, @"A callback of connection id ""{ConnectionId}"" on the closed token failed.", EventName = "ClosedCallbackFailed")]
    public static partial void ClosedCallbackFailed(ILogger logger, string connectionId, Exception error);

    [LoggerMessage(106, LogLevel.Error, "Something that ran on the event loop {Loop} failed.", EventName = "WorkItemFailed")]
    public static partial void WorkItemFailed(ILogger logger, string loop, Exception error);

    [LoggerMessage(107, LogLevel.Critical, "The event loop {Loop} failed.", EventName = "LoopFailed")]
    public static partial void LoopFailed(ILogger logger, string loop, Exception error);

    [LoggerMessage(108, LogLevel.Error, "The kernel lost completions of the event loop {Loop}: its connections are aborted.", EventName = "CompletionsLost")]
    public static partial void CompletionsLost(ILogger logger, string loop);

    [LoggerMessage(109, LogLevel.Information, "{EndPoint} has one listening socket for all event loops: AcceptStrategy.ReusePort is for TCP addresses that the transport binds itself.", EventName = "ReusePortNotPossible")]
    public static partial void ReusePortNotPossible(ILogger logger, string endPoint);

    [LoggerMessage(110, LogLevel.Error, "The event loop {Loop} has not ended in time: an application keeps its thread. It is left behind with what it holds.", EventName = "LoopDoesNotEnd")]
    public static partial void LoopDoesNotEnd(ILogger logger, string loop);

    [LoggerMessage(120, LogLevel.Warning, "All {Limit} connections of the limit are taken: further ones are reset as they come. This is logged once until it is over.", EventName = "ConnectionLimitReached")]
    public static partial void ConnectionLimitReached(ILogger logger, int limit);

    [LoggerMessage(121, LogLevel.Information, "There is room below the connection limit again; {Rejected} connection(s) were reset meanwhile.", EventName = "ConnectionLimitLeft")]
    public static partial void ConnectionLimitLeft(ILogger logger, long rejected);

    [LoggerMessage(122, LogLevel.Information, "The blocking transport runs a thread for every connection, {Limit} at most; application scheduling: {Scheduling}.", EventName = "BlockingStarted")]
    public static partial void BlockingStarted(ILogger logger, int? limit, ApplicationScheduling scheduling);

    [LoggerMessage(130, LogLevel.Warning, "The event loop {Loop} gets no kernel thread that polls its submission queue ({Reason}): it goes on without.", EventName = "SubmissionPollingRefused")]
    public static partial void SubmissionPollingRefused(ILogger logger, string loop, string reason);

    [LoggerMessage(131, LogLevel.Warning, "The kernel refuses to poll the network card for the event loop {Loop} ({Reason}): it goes on without.", EventName = "NetworkPollingRefused")]
    public static partial void NetworkPollingRefused(ILogger logger, string loop, string reason);

    [LoggerMessage(132, LogLevel.Warning, "The epoll transport has no submission queue: SubmissionPolling, which the options ask for, is off.", EventName = "SubmissionPollingDropped")]
    public static partial void SubmissionPollingDropped(ILogger logger);
}
