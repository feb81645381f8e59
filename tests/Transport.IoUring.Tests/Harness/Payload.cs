namespace Kestrel.Rpc.Transport.Tests;

/// <summary>
/// Bytes that tell where they belong: an endless stream per seed. Comparing positions finds lost, doubled, swapped and
/// foreign bytes, which a checksum would only suspect.
/// </summary>
internal static class Payload
{
    // A prime, so that no buffer size divides it.
    private const int Period = 1_048_573;

    private static readonly byte[] Pattern = CreatePattern();

    /// <summary>Writes the bytes of a stream from a position on.</summary>
    public static void Fill(Span<byte> destination, int seed, long position)
    {
        while (!destination.IsEmpty)
        {
            ReadOnlySpan<byte> source = From(seed, position);
            int count = Math.Min(source.Length, destination.Length);
            source[..count].CopyTo(destination);
            destination = destination[count..];
            position += count;
        }
    }

    /// <summary>The first bytes of a stream.</summary>
    public static byte[] Create(int seed, int length)
    {
        byte[] bytes = new byte[length];
        Fill(bytes, seed, 0);
        return bytes;
    }

    /// <summary>Fails the test unless the bytes are those of the stream from the position on.</summary>
    public static void Verify(ReadOnlySpan<byte> actual, int seed, long position)
    {
        while (!actual.IsEmpty)
        {
            ReadOnlySpan<byte> expected = From(seed, position);
            int count = Math.Min(expected.Length, actual.Length);
            if (!actual[..count].SequenceEqual(expected[..count]))
            {
                int wrong = actual[..count].CommonPrefixLength(expected);
                Assert.Fail($"Wrong byte at position {position + wrong} of stream {seed}: 0x{actual[wrong]:x2} instead of 0x{expected[wrong]:x2}.");
            }

            actual = actual[count..];
            position += count;
        }
    }

    private static ReadOnlySpan<byte> From(int seed, long position) =>
        Pattern.AsSpan((int)((position + ((long)seed * 7919)) % Period));

    private static byte[] CreatePattern()
    {
        byte[] pattern = new byte[Period];
        new Random(20240607).NextBytes(pattern);
        return pattern;
    }
}
