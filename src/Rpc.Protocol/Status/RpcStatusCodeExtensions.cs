namespace Kestrel.Rpc.Protocol;

/// <summary>
/// What a status code is in version 1 and in HTTP, and the reverse. The tables stand in docs/wire-protocol.md; every function has an
/// answer for every value.
/// </summary>
public static class RpcStatusCodeExtensions
{
    /// <summary>The status code of an error of version 1.</summary>
    /// <param name="code">The error code. One that the enum does not name counts as <see cref="RpcErrorCode.Server"/>.</param>
    /// <returns>The status code, never <see cref="RpcStatusCode.Ok"/>.</returns>
    public static RpcStatusCode ToStatusCode(this RpcErrorCode code) => code switch
    {
        RpcErrorCode.Timeout => RpcStatusCode.DeadlineExceeded,
        RpcErrorCode.Connection or RpcErrorCode.Network or RpcErrorCode.RetryFailed => RpcStatusCode.Unavailable,
        RpcErrorCode.Serialization or RpcErrorCode.Encoding => RpcStatusCode.Internal,
        RpcErrorCode.Deserialization or RpcErrorCode.Decoding => RpcStatusCode.InvalidArgument,
        RpcErrorCode.Client => RpcStatusCode.FailedPrecondition,
        _ => RpcStatusCode.Unknown,
    };

    /// <summary>What a caller of version 1 is told. Its codes say where a call failed, not why, so most are <see cref="RpcErrorCode.Server"/>.</summary>
    /// <param name="code">
    /// The status code. <see cref="RpcStatusCode.Ok"/>, which is no error, and codes that the enum does not name count as
    /// <see cref="RpcStatusCode.Unknown"/>.
    /// </param>
    /// <returns>The error code.</returns>
    public static RpcErrorCode ToErrorCode(this RpcStatusCode code) => code switch
    {
        RpcStatusCode.DeadlineExceeded => RpcErrorCode.Timeout,
        RpcStatusCode.Unavailable => RpcErrorCode.Connection,
        RpcStatusCode.Cancelled => RpcErrorCode.Client,
        _ => RpcErrorCode.Server,
    };

    /// <summary>The HTTP status of a code, as google/rpc/code.proto gives it.</summary>
    /// <param name="code">The code. One that the enum does not name counts as <see cref="RpcStatusCode.Unknown"/>.</param>
    /// <returns>The HTTP status.</returns>
    public static int ToHttpStatus(this RpcStatusCode code) => code switch
    {
        RpcStatusCode.Ok => 200,
        RpcStatusCode.Cancelled => 499,
        RpcStatusCode.InvalidArgument or RpcStatusCode.FailedPrecondition or RpcStatusCode.OutOfRange => 400,
        RpcStatusCode.DeadlineExceeded => 504,
        RpcStatusCode.NotFound => 404,
        RpcStatusCode.AlreadyExists or RpcStatusCode.Aborted => 409,
        RpcStatusCode.PermissionDenied => 403,
        RpcStatusCode.Unauthenticated => 401,
        RpcStatusCode.ResourceExhausted => 429,
        RpcStatusCode.Unimplemented => 501,
        RpcStatusCode.Unavailable => 503,
        _ => 500,
    };

    /// <summary>The status code of an HTTP status.</summary>
    /// <param name="httpStatus">Any number.</param>
    /// <returns>The status code.</returns>
    public static RpcStatusCode FromHttpStatus(int httpStatus) => httpStatus switch
    {
        >= 200 and <= 299 => RpcStatusCode.Ok,
        400 => RpcStatusCode.InvalidArgument,
        401 => RpcStatusCode.Unauthenticated,
        403 => RpcStatusCode.PermissionDenied,
        404 => RpcStatusCode.NotFound,
        408 or 504 => RpcStatusCode.DeadlineExceeded,
        409 => RpcStatusCode.Aborted,
        416 => RpcStatusCode.OutOfRange,
        429 => RpcStatusCode.ResourceExhausted,
        499 => RpcStatusCode.Cancelled,
        501 => RpcStatusCode.Unimplemented,
        502 or 503 => RpcStatusCode.Unavailable,
        >= 400 and <= 499 => RpcStatusCode.FailedPrecondition,
        >= 500 and <= 599 => RpcStatusCode.Internal,
        _ => RpcStatusCode.Unknown,
    };
}
