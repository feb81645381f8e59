namespace Kestrel.Rpc.Protocol;

/// <summary>What a refusal of version 2 means to the peer: the table in docs/wire-protocol.md. Stateless; every function has an answer for every value.</summary>
public static class RpcRefusal
{
    /// <summary>With which code the connection ends after a frame was refused by its 16 bytes.</summary>
    /// <param name="kind">Why it was refused.</param>
    /// <returns>The code of the GOAWAY.</returns>
    public static RpcGoAwayCode ToGoAwayCode(this RpcFrameErrorKind kind) =>
        kind is RpcFrameErrorKind.ProtocolDataTooLong or RpcFrameErrorKind.BodyTooLong ? RpcGoAwayCode.LimitExceeded : RpcGoAwayCode.ProtocolError;

    /// <summary>With which status a call ends whose metadata was refused.</summary>
    /// <param name="error">Why it was refused.</param>
    /// <param name="isReply">Whether it was that of a reply, which is not the caller's fault.</param>
    /// <returns>The status code; OK if it was not refused.</returns>
    public static RpcStatusCode ToStatusCode(this RpcMetadataError error, bool isReply) => error switch
    {
        RpcMetadataError.None => RpcStatusCode.Ok,
        RpcMetadataError.TooManyEntries or RpcMetadataError.TooLong => RpcStatusCode.ResourceExhausted,
        _ => Malformed(isReply),
    };

    /// <summary>With which status a call ends whose message could not be decompressed.</summary>
    /// <param name="result">What came of it.</param>
    /// <param name="isReply">Whether it was a message of the reply, which is not the caller's fault.</param>
    /// <returns>The status code; OK if it was decompressed.</returns>
    public static RpcStatusCode ToStatusCode(this RpcDecompressionResult result, bool isReply) => result switch
    {
        RpcDecompressionResult.Done => RpcStatusCode.Ok,
        RpcDecompressionResult.TooLong => RpcStatusCode.ResourceExhausted,
        RpcDecompressionResult.Unsupported => RpcStatusCode.Unimplemented,
        _ => Malformed(isReply),
    };

    private static RpcStatusCode Malformed(bool isReply) => isReply ? RpcStatusCode.Internal : RpcStatusCode.InvalidArgument;
}
