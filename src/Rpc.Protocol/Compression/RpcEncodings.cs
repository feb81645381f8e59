namespace Kestrel.Rpc.Protocol;

/// <summary>A set of encodings: the bit of each is 1 &lt;&lt; its number.</summary>
[Flags]
public enum RpcEncodings
{
    /// <summary>None: messages are not compressed.</summary>
    None = 0,

    /// <summary><see cref="RpcEncoding.Gzip"/>.</summary>
    Gzip = 1 << RpcEncoding.Gzip,

    /// <summary><see cref="RpcEncoding.Brotli"/>.</summary>
    Brotli = 1 << RpcEncoding.Brotli,

    /// <summary><see cref="RpcEncoding.Snappy"/>.</summary>
    Snappy = 1 << RpcEncoding.Snappy,

    /// <summary>All that this library knows.</summary>
    All = Gzip | Brotli | Snappy,
}
