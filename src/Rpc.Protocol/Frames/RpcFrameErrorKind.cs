namespace Kestrel.Rpc.Protocol;

/// <summary>Why bytes were not accepted as a frame, in the order the checks are made.</summary>
public enum RpcFrameErrorKind
{
    /// <summary>There is no error.</summary>
    None = 0,

    /// <summary>The first bytes are not <see cref="RpcFrameHeader.Magic"/>. Known from the first byte that differs.</summary>
    WrongMagic = 1,

    /// <summary>The version is not one that the caller of the reader accepts.</summary>
    UnsupportedVersion = 2,

    /// <summary>The version does not have this type.</summary>
    UnknownType = 3,

    /// <summary>
    /// The protocol data (version 1) or frame header (version 2) is longer than <see cref="RpcFrameLimits.MaxProtocolDataLength"/>.
    /// </summary>
    ProtocolDataTooLong = 4,

    /// <summary>The body is longer than <see cref="RpcFrameLimits.MaxBodyLength"/>.</summary>
    BodyTooLong = 5,

    /// <summary>Version 2: a frame of a call has the call id 0, or a frame of the connection another one.</summary>
    WrongCallId = 6,

    /// <summary>Version 2: a frame of this type cannot have such lengths, for example a <see cref="RpcFrameType.Ping"/> without its eight bytes.</summary>
    WrongLength = 7,
}
