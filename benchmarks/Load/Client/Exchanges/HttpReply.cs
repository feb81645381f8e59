using System.Buffers.Text;
using System.Text;
using Kestrel.Rpc.Benchmarks.Load.Measure;

namespace Kestrel.Rpc.Benchmarks.Load.Client.Exchanges;

/// <summary>The head of an HTTP/1.1 reply: status line and headers up to the empty line.</summary>
internal static class HttpReply
{
    public static ReadOnlySpan<byte> StatusLine => "HTTP/1.1 200 OK\r\n"u8;

    /// <summary>Reads the head.</summary>
    /// <param name="input">What has been received of the reply.</param>
    /// <param name="bodyLength">The length its body must have.</param>
    /// <param name="headLength">The head's length, the empty line included.</param>
    /// <returns>Whether the head is there.</returns>
    /// <exception cref="LoadException">Another status, or another length of the body.</exception>
    public static bool TryReadHead(ReadOnlySpan<byte> input, int bodyLength, out int headLength)
    {
        headLength = 0;
        int headersEnd = input.IndexOf("\r\n\r\n"u8);
        if (headersEnd < 0)
        {
            return false;
        }

        ReadOnlySpan<byte> headers = input[..headersEnd];
        ReadOnlySpan<byte> name = "\r\nContent-Length: "u8;
        int at = headers.IndexOf(name);
        if (!input.StartsWith(StatusLine)
            || at < 0
            || !Utf8Parser.TryParse(headers[(at + name.Length)..], out int length, out _)
            || length != bodyLength)
        {
            throw new LoadException($"not a good reply with a Content-Length of {bodyLength}: {Encoding.ASCII.GetString(headers)}");
        }

        headLength = headersEnd + 4;
        return true;
    }
}
