namespace Kestrel.Rpc.Middleware;

/// <summary>
/// A log of calls that were slow or that the server failed, one line each with the event ids 81 and 82 of the category <c>Kestrel.Rpc.Server</c>. Off
/// by default.
/// </summary>
public sealed class RpcCallLogOptions
{
    /// <summary>
    /// Calls are logged that took as long as this or longer, from the read of the request until the reply was handed to the transport. Default
    /// <see langword="null"/>: none; not negative, and zero logs every call.
    /// </summary>
    public TimeSpan? SlowerThan { get; set; }

    /// <summary>
    /// Whether calls are logged that ended in a failure of the server: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE or DATA_LOSS.
    /// Default <see langword="false"/>. What a handler threw is logged whatever this says.
    /// </summary>
    public bool Errors { get; set; }

    /// <summary>
    /// How many calls of one method are logged in a second, so that a flood of them does not fill a disk; all that do not exist count as one method. The next
    /// line says how many were left out. Default 10; 1 to 10,000.
    /// </summary>
    public int MaxPerSecond { get; set; } = 10;
}
