namespace Kestrel.Rpc.Protocol;

/// <summary>Why bytes were not accepted as a frame. Plain data: making one allocates nothing.</summary>
public readonly record struct RpcFrameError
{
    internal RpcFrameError(RpcFrameErrorKind kind, RpcFrameHeader header)
    {
        Kind = kind;
        Header = header;
    }

    /// <summary>What is wrong.</summary>
    public RpcFrameErrorKind Kind { get; }

    /// <summary>
    /// The header that was refused, so that a server can answer its sequence id. Only with <see cref="HasHeader"/>.
    /// </summary>
    public RpcFrameHeader Header { get; }

    /// <summary>Whether there is a <see cref="Header"/>: with every error but <see cref="RpcFrameErrorKind.WrongMagic"/>.</summary>
    public bool HasHeader => Kind > RpcFrameErrorKind.WrongMagic;

    /// <summary>One sentence for a log or an error reply. Holds no bytes of the peer but the offending number.</summary>
    /// <returns>The sentence.</returns>
    public string Describe() => Kind switch
    {
        RpcFrameErrorKind.None => "No error.",
        RpcFrameErrorKind.WrongMagic => "The bytes do not start with the magic 0x1234.",
        RpcFrameErrorKind.UnsupportedVersion => $"Version {Header.Version} is not supported.",
        RpcFrameErrorKind.UnknownType => $"Frame type {(byte)Header.Type} is not known.",
        RpcFrameErrorKind.ProtocolDataTooLong when Header.Version == RpcFrameHeader.Version2 =>
            $"A frame header of {Header.ProtocolDataLength} bytes is over the limit.",
        RpcFrameErrorKind.ProtocolDataTooLong => $"Protocol data of {Header.ProtocolDataLength} bytes is over the limit.",
        RpcFrameErrorKind.BodyTooLong => $"A body of {Header.BodyLength} bytes is over the limit.",
        RpcFrameErrorKind.WrongCallId => $"A {Header.Type} frame cannot have the call id {Header.SequenceId}.",
        RpcFrameErrorKind.WrongLength =>
            $"A {Header.Type} frame cannot have a header of {Header.ProtocolDataLength} and a body of {Header.BodyLength} bytes.",
        _ => throw new InvalidOperationException($"Unknown frame error {Kind}."),
    };
}
