using Kestrel.Rpc.Protocol;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Client;

/// <summary>The connection, as its session sees it. Any thread.</summary>
internal interface ISessionOwner
{
    /// <summary>For the log.</summary>
    string Id { get; }

    ILogger Logger { get; }

    /// <summary>Why it takes no calls any more; null while it does.</summary>
    RpcException? CloseReason { get; }

    /// <summary>Ends the connection, unless it has ended.</summary>
    /// <param name="code">What kind of failure.</param>
    /// <param name="message">One sentence.</param>
    /// <param name="exception">The cause, if there is one.</param>
    /// <param name="manner">How.</param>
    void Fail(RpcErrorCode code, string message, Exception? exception, CloseManner manner);

    /// <summary>Notes that the peer takes no new calls.</summary>
    void OnGoingAway();
}
