namespace Kestrel.Rpc.Protocol;

/// <summary>Why bytes were not accepted as a frame, in the order the checks are made.</summary>
public enum RpcFrameErrorKind
{
    /// <summary>There is no error.</summary>
    None = 0,

    /// <summary>The first bytes are not <see cref="RpcFrameHeader.Magic"/>. Known from the first byte that differs.</summary>
    WrongMagic = 1,

    /// <summary>The version is not one this library reads.</summary>
    UnsupportedVersion = 2,

    /// <summary>The type is neither request nor response.</summary>
    UnknownType = 3,

    /// <summary>The protocol data is longer than <see cref="RpcFrameLimits.MaxProtocolDataLength"/>.</summary>
    ProtocolDataTooLong = 4,

    /// <summary>The body is longer than <see cref="RpcFrameLimits.MaxBodyLength"/>.</summary>
    BodyTooLong = 5,
}
