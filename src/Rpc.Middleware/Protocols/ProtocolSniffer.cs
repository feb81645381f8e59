using System.Buffers;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>Tells protocols apart by their first bytes. Pure: consumes nothing.</summary>
internal static class ProtocolSniffer
{
    // 12 34              ours
    // 16 03              TLS: handshake record, version 3.x
    // PRI * HTTP/2.0...  the preface of HTTP/2 (RFC 9113, 3.4); other words with P are methods of HTTP/1
    // else               not ours; a first byte that begins none of them is enough to know
    private const byte MagicFirst = RpcFrameHeader.Magic >> 8;
    private const byte MagicSecond = RpcFrameHeader.Magic & 0xFF;
    private const byte TlsHandshake = 0x16;
    private const byte TlsMajorVersion = 0x03;

    private static ReadOnlySpan<byte> Http2Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    /// <param name="buffer">The first bytes.</param>
    /// <param name="isHttp2Told">Whether HTTP/2 is told from HTTP/1; else both are <see cref="RpcSniffResult.Other"/>.</param>
    public static RpcSniffResult Detect(in ReadOnlySequence<byte> buffer, bool isHttp2Told)
    {
        SequenceReader<byte> reader = new(buffer);
        if (!reader.TryRead(out byte first))
        {
            return RpcSniffResult.NeedMore;
        }

        if (isHttp2Told && first == Http2Preface[0])
        {
            return DetectHttp2(buffer);
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

    // All of it: nothing that begins so is a request of HTTP/1.
    private static RpcSniffResult DetectHttp2(in ReadOnlySequence<byte> buffer)
    {
        Span<byte> start = stackalloc byte[Http2Preface.Length];
        int length = (int)Math.Min(buffer.Length, start.Length);
        buffer.Slice(0, length).CopyTo(start);
        if (!Http2Preface.StartsWith(start[..length]))
        {
            return RpcSniffResult.Other;
        }

        return length == start.Length ? RpcSniffResult.Http2 : RpcSniffResult.NeedMore;
    }
}
