using System.Text;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Benchmarks.Load.Workloads;

namespace Kestrel.Rpc.Benchmarks.Load.Client.Exchanges;

/// <summary>
/// One HTTP/1.1 request at a time on a kept connection. The first reply is parsed; those that follow must have its length, its status
/// line and its body.
/// </summary>
internal sealed class HttpExchange : Exchange
{
    private static readonly byte[] GetPlaintext = "GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"u8.ToArray();
    private static readonly byte[] Greeting = "Hello, World!"u8.ToArray();
    private static readonly byte[] PostUpload =
        [.. Encoding.ASCII.GetBytes($"POST /upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {BulkBody.Length}\r\n\r\n"), .. BulkBody.Bytes];

    private static readonly byte[] UploadedLength = Encoding.ASCII.GetBytes($"{BulkBody.Length}");

    private readonly byte[] _request;
    private readonly byte[] _body;
    private long _started;
    private int _replyLength;

    private HttpExchange(byte[] request, byte[] body)
    {
        _request = request;
        _body = body;
    }

    public override int MaximumOutput => _request.Length;

    /// <summary>GET /plaintext, 13 bytes of text in return.</summary>
    public static HttpExchange Plaintext() => new(GetPlaintext, Greeting);

    /// <summary>POST /upload with 1 MiB, its length in return.</summary>
    public static HttpExchange Upload() => new(PostUpload, UploadedLength);

    public override int Begin(Span<byte> output, long now)
    {
        _request.CopyTo(output);
        _started = now;
        return _request.Length;
    }

    public override int Advance(ReadOnlySpan<byte> input, Span<byte> output, long now, Tally tally, out int written)
    {
        written = 0;
        if (_replyLength == 0)
        {
            if (!HttpReply.TryReadHead(input, _body.Length, out int headLength))
            {
                return 0;
            }

            _replyLength = headLength + _body.Length;
        }

        if (input.Length < _replyLength)
        {
            return 0;
        }

        if (input.Length > _replyLength || !input.StartsWith(HttpReply.StatusLine) || !input.EndsWith(_body))
        {
            throw new LoadException($"not the expected reply: {Encoding.ASCII.GetString(input)}");
        }

        tally.Record(_started, now);
        written = Begin(output, now);
        return _replyLength;
    }
}
