using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Benchmarks.Load.Workloads;

namespace Kestrel.Rpc.Benchmarks.Load.Client.Exchanges;

/// <summary>One GET of 1 MiB at a time on a kept connection. Every byte is compared as it comes; nothing is kept.</summary>
internal sealed class DownloadExchange : Exchange
{
    private static readonly byte[] Request = "GET /download HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"u8.ToArray();
    private long _started;

    /// <summary>Bytes of the body that are still to come; <see langword="null"/> before its head was read.</summary>
    private int? _remaining;

    public override int MaximumOutput => Request.Length;

    public override int Begin(Span<byte> output, long now)
    {
        Request.CopyTo(output);
        _started = now;
        _remaining = null;
        return Request.Length;
    }

    public override int Advance(ReadOnlySpan<byte> input, Span<byte> output, long now, Tally tally, out int written)
    {
        written = 0;
        int taken = 0;
        if (_remaining is null)
        {
            if (!HttpReply.TryReadHead(input, BulkBody.Length, out taken))
            {
                return 0;
            }

            _remaining = BulkBody.Length;
        }

        ReadOnlySpan<byte> body = input[taken..];
        int remaining = _remaining.Value;
        if (body.Length > remaining || !body.SequenceEqual(BulkBody.Bytes.AsSpan(BulkBody.Length - remaining, body.Length)))
        {
            throw new LoadException($"other bytes than expected, {BulkBody.Length - remaining} bytes into a reply");
        }

        _remaining = remaining - body.Length;
        if (_remaining == 0)
        {
            tally.Record(_started, now);
            written = Begin(output, now);
        }

        return input.Length;
    }
}
