using System.Buffers.Text;
using System.Text;

namespace Kestrel.Rpc.Benchmarks.Load.Client;

/// <summary>
/// One GET at a time on a kept connection. The first reply is parsed; those that follow must have its length, its status line and
/// its body.
/// </summary>
internal sealed class HttpExchange : Exchange
{
    private static readonly byte[] Request = "GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"u8.ToArray();
    private long _started;
    private int _replyLength;

    private static ReadOnlySpan<byte> StatusLine => "HTTP/1.1 200 OK\r\n"u8;

    private static ReadOnlySpan<byte> Body => "Hello, World!"u8;

    public override int MaximumOutput => Request.Length;

    public override int Begin(Span<byte> output, long now)
    {
        Request.CopyTo(output);
        _started = now;
        return Request.Length;
    }

    public override int Advance(ReadOnlySpan<byte> input, Span<byte> output, long now, Tally tally, out int written)
    {
        written = 0;
        if (_replyLength == 0 && !TryReadLength(input, out _replyLength))
        {
            return 0;
        }

        if (input.Length < _replyLength)
        {
            return 0;
        }

        if (input.Length > _replyLength || !input.StartsWith(StatusLine) || !input.EndsWith(Body))
        {
            throw new LoadException($"not the expected reply: {Encoding.ASCII.GetString(input)}");
        }

        tally.Record(_started, now);
        written = Begin(output, now);
        return _replyLength;
    }

    private static bool TryReadLength(ReadOnlySpan<byte> input, out int length)
    {
        length = 0;
        int headersEnd = input.IndexOf("\r\n\r\n"u8);
        if (headersEnd < 0)
        {
            return false;
        }

        ReadOnlySpan<byte> headers = input[..headersEnd];
        ReadOnlySpan<byte> name = "\r\nContent-Length: "u8;
        int at = headers.IndexOf(name);
        if (at < 0 || !Utf8Parser.TryParse(headers[(at + name.Length)..], out int bodyLength, out _) || bodyLength != Body.Length)
        {
            throw new LoadException($"no Content-Length of {Body.Length}: {Encoding.ASCII.GetString(headers)}");
        }

        length = headersEnd + 4 + bodyLength;
        return true;
    }
}
