using System.Buffers;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>Tells protocols apart by their first bytes. Pure: consumes nothing.</summary>
internal static class ProtocolSniffer
{
    // 12 34    ours
    // 16 03    TLS: handshake record, version 3.x
    // else     not ours; a first byte that begins neither is enough to know
    private const byte MagicFirst = RpcFrameHeader.Magic >> 8;
    private const byte MagicSecond = RpcFrameHeader.Magic & 0xFF;
    private const byte TlsHandshake = 0x16;
    private const byte TlsMajorVersion = 0x03;

    public static RpcSniffResult Detect(in ReadOnlySequence<byte> buffer)
    {
        SequenceReader<byte> reader = new(buffer);
        if (!reader.TryRead(out byte first))
        {
            return RpcSniffResult.NeedMore;
        }

        if (first is not (MagicFirst or TlsHandshake))
        {
            return RpcSniffResult.Other;
        }

        if (!reader.TryRead(out byte second))
        {
            return RpcSniffResult.NeedMore;
        }

        return (first, second) switch
        {
            (MagicFirst, MagicSecond) => RpcSniffResult.Rpc,
            (TlsHandshake, TlsMajorVersion) => RpcSniffResult.Tls,
            _ => RpcSniffResult.Other,
        };
    }
}
