using System.Buffers;

namespace Kestrel.Rpc.Benchmarks.Codec;

internal sealed class Segment : ReadOnlySequenceSegment<byte>
{
    private Segment(ReadOnlyMemory<byte> memory, Segment? previous)
    {
        Memory = memory;
        if (previous is not null)
        {
            RunningIndex = previous.RunningIndex + previous.Memory.Length;
            previous.Next = this;
        }
    }

    /// <summary>Cuts bytes into segments of these lengths and one with the rest.</summary>
    public static ReadOnlySequence<byte> Cut(ReadOnlyMemory<byte> bytes, params ReadOnlySpan<int> lengths)
    {
        Segment? first = null;
        Segment? last = null;
        foreach (int length in lengths)
        {
            last = new Segment(bytes[..length], last);
            first ??= last;
            bytes = bytes[length..];
        }

        last = new Segment(bytes, last);
        return new ReadOnlySequence<byte>(first ?? last, 0, last, last.Memory.Length);
    }
}
