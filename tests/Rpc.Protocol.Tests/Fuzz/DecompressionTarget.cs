using System.Buffers;

namespace Kestrel.Rpc.Protocol.Tests.Fuzz;

/// <summary>Decompression of one encoding into pooled memory.</summary>
/// <param name="encoding">The encoding.</param>
/// <param name="limit">The limit that the decompressor is told.</param>
/// <param name="judged">What the result is judged by: the same, unless a test wants to see the difference found.</param>
internal sealed class DecompressionTarget(RpcEncoding encoding, int limit = 2000, int? judged = null) : FuzzTarget
{
    public override IReadOnlyList<byte[]> Corpus { get; } =
    [
        .. new[]
        {
            [],
            [1],
            "hello hello hello hello hello"u8.ToArray(),
            new byte[1500],
            new byte[2001],
            new byte[200_000],
            [.. Enumerable.Range(0, 600).Select(i => (byte)(i * i % 251))],
        }.Select(bytes =>
        {
            ArrayBufferWriter<byte> output = new();
            RpcCompression.Compress(encoding, new(bytes), output);
            return output.WrittenSpan.ToArray();
        }),
    ];

    // The streams of gzip with their buffers, an exception, and twice the limit: more would be unpacking on a promise.
    public override long Budget(long inputLength) => (48 * 1024) + (2 * limit) + (4 * inputLength);

    public override void Parse(in ReadOnlySequence<byte> input)
    {
        using RpcPooledWriter output = new();
        RpcDecompressionResult result = RpcCompression.Decompress(encoding, input, output, limit);
        Require(result != RpcDecompressionResult.Unsupported, "The encoding is known.");
        Require(output.Length <= (judged ?? limit), "More was unpacked than allowed.");
    }
}
