namespace Kestrel.Rpc.Protocol;

/// <summary>
/// A call failed. Clients throw it; a server's handler may throw it to choose the code and the message the caller sees.
/// </summary>
public sealed class RpcException : Exception
{
    /// <summary>Makes an exception.</summary>
    /// <param name="code">What kind of failure.</param>
    /// <param name="message">One sentence. From a handler it is sent to the caller.</param>
    /// <param name="innerException">The cause. Never sent.</param>
    public RpcException(RpcErrorCode code, string message, Exception? innerException = null)
        : base(message, innerException) => Code = code;

    /// <summary>What kind of failure.</summary>
    public RpcErrorCode Code { get; }
}
