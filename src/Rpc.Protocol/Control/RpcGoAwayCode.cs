namespace Kestrel.Rpc.Protocol;

/// <summary>Why a GOAWAY was sent. Everything but <see cref="Shutdown"/> ends the connection. An unknown code counts as <see cref="InternalError"/>.</summary>
public enum RpcGoAwayCode
{
    /// <summary>No error: no new calls; those under way end as ever.</summary>
    Shutdown = 0,

    /// <summary>The peer broke the protocol.</summary>
    ProtocolError = 1,

    /// <summary>The peer sent more than it had credit for, or granted too much.</summary>
    FlowControlError = 2,

    /// <summary>The peer sent a frame over a limit.</summary>
    LimitExceeded = 3,

    /// <summary>The sender failed.</summary>
    InternalError = 4,

    /// <summary>The peer did not answer a PING in time.</summary>
    KeepAliveTimeout = 5,

    /// <summary>The peer sent too much that is of no use: pings, calls it cancels at once, and the like. As HTTP/2's ENHANCE_YOUR_CALM.</summary>
    EnhanceYourCalm = 6,
}
