namespace Kestrel.Rpc.Protocol;

/// <summary>
/// A call failed. Clients throw it; a server's handler may throw it to choose the code, the message, the details and the trailers that the
/// caller sees. It has a code of version 1 and a status of version 2: whichever it was made with, the other follows from it by
/// <see cref="RpcStatusCodeExtensions"/>.
/// </summary>
public sealed class RpcException : Exception
{
    /// <summary>Makes an exception with a code of version 1.</summary>
    /// <param name="code">What kind of failure.</param>
    /// <param name="message">One sentence. From a handler it is sent to the caller.</param>
    /// <param name="innerException">The cause. Never sent.</param>
    public RpcException(RpcErrorCode code, string message, Exception? innerException = null)
        : base(message, innerException)
    {
        Code = code;
        Status = new RpcStatus(code.ToStatusCode(), message);
        Trailers = RpcMetadata.Empty;
    }

    /// <summary>Makes an exception with a status code.</summary>
    /// <param name="statusCode">What kind of failure; not <see cref="RpcStatusCode.Ok"/>.</param>
    /// <param name="message">One sentence. From a handler it is sent to the caller.</param>
    /// <param name="innerException">The cause. Never sent.</param>
    /// <exception cref="ArgumentException">The code says that nothing failed.</exception>
    public RpcException(RpcStatusCode statusCode, string message, Exception? innerException = null)
        : this(new RpcStatus(statusCode, message), null, innerException)
    {
    }

    /// <summary>Makes an exception with a whole status.</summary>
    /// <param name="status">What failed; not <see cref="RpcStatusCode.Ok"/>. From a handler it is sent to the caller; details reach callers of version 2 only.</param>
    /// <param name="trailers">Metadata that goes with it; null for none. Reaches callers of version 2 only.</param>
    /// <param name="innerException">The cause. Never sent.</param>
    /// <exception cref="ArgumentException">The status says that nothing failed.</exception>
    public RpcException(RpcStatus status, RpcMetadata? trailers = null, Exception? innerException = null)
        : base(status?.Message, innerException)
    {
        ArgumentNullException.ThrowIfNull(status);
        if (status.Code == RpcStatusCode.Ok)
        {
            throw new ArgumentException("A failure cannot have the status OK.", nameof(status));
        }

        Code = status.Code.ToErrorCode();
        Status = status;
        Trailers = trailers ?? RpcMetadata.Empty;
    }

    /// <summary>What kind of failure, in the codes of version 1.</summary>
    public RpcErrorCode Code { get; }

    /// <summary>What kind of failure, in the codes of version 2; never <see cref="RpcStatusCode.Ok"/>.</summary>
    public RpcStatusCode StatusCode => Status.Code;

    /// <summary>The whole status.</summary>
    public RpcStatus Status { get; }

    /// <summary>Metadata that goes with the failure; empty if there is none.</summary>
    public RpcMetadata Trailers { get; }

    /// <summary>
    /// Whether it is certain that no handler has seen the call, so that it may be sent again without harm: it never left, or the server
    /// said so (NOT_PROCESSED). Default false: it is not known. Set by clients.
    /// </summary>
    public bool IsNotProcessed { get; init; }
}
