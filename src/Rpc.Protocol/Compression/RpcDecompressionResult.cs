namespace Kestrel.Rpc.Protocol;

/// <summary>What came of decompressing a message.</summary>
public enum RpcDecompressionResult
{
    /// <summary>The whole message was decompressed.</summary>
    Done = 0,

    /// <summary>The message is longer than the limit. Hardly more than the limit was unpacked: RESOURCE_EXHAUSTED.</summary>
    TooLong = 1,

    /// <summary>The bytes are not of that encoding, or there are too few or too many of them: INVALID_ARGUMENT.</summary>
    Malformed = 2,

    /// <summary>The encoding is not known: UNIMPLEMENTED.</summary>
    Unsupported = 3,
}
