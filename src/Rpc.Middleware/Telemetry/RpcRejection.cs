using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>What refused a call that no handler sees, where the status alone does not tell.</summary>
internal enum RpcRejection : byte
{
    /// <summary>The status tells.</summary>
    ByStatus,

    /// <summary>A bound on the calls that run at once, of the server or a method: no place is free, and none in the queue.</summary>
    CallLimit,

    /// <summary>A bound of its connection: calls, or calls with streams.</summary>
    ConnectionLimit,

    /// <summary>The server has as many connections as it serves.</summary>
    Connections,

    /// <summary>The call would have waited for longer than it has time.</summary>
    Overload,

    /// <summary>A rate limiter of the application.</summary>
    RateLimit,

    /// <summary>The threads for methods that block, with their queue.</summary>
    Threads,

    /// <summary>A message or metadata longer than they may be.</summary>
    Size,
}

/// <summary>The words for it, which <see cref="RpcServerTelemetry.ReasonTag"/> has.</summary>
internal static class RpcRejections
{
    public static string ReasonOf(RpcRejection rejection, RpcStatusCode status) => rejection switch
    {
        RpcRejection.CallLimit => "call_limit",
        RpcRejection.ConnectionLimit => "connection_limit",
        RpcRejection.Connections => "connections",
        RpcRejection.Overload => "overload",
        RpcRejection.RateLimit => "rate_limit",
        RpcRejection.Threads => "threads",
        RpcRejection.Size => "size",
        _ => status switch
        {
            RpcStatusCode.DeadlineExceeded => "deadline",
            RpcStatusCode.Unavailable => "draining",
            RpcStatusCode.Unauthenticated => "unauthenticated",
            RpcStatusCode.Cancelled => "cancelled",
            _ => "invalid",
        },
    };
}
