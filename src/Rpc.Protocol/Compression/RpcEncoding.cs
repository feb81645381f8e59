namespace Kestrel.Rpc.Protocol;

/// <summary>How a compressed message is encoded.</summary>
public enum RpcEncoding : byte
{
    /// <summary>Not compressed. Never sent.</summary>
    None = 0,

    /// <summary>gzip (RFC 1952).</summary>
    Gzip = 1,

    /// <summary>Brotli (RFC 7932).</summary>
    Brotli = 2,

    /// <summary>The block format of Snappy, without framing.</summary>
    Snappy = 3,
}
