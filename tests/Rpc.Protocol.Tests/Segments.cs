using System.Buffers;

namespace Kestrel.Rpc.Protocol.Tests;

/// <summary>Makes sequences of many segments.</summary>
internal static class Segments
{
    /// <summary>Cuts bytes into segments of the given lengths; what is left over is the last segment. Lengths of 0 make empty segments.</summary>
    public static ReadOnlySequence<byte> Cut(ReadOnlyMemory<byte> bytes, params IEnumerable<int> lengths)
    {
        Segment? first = null;
        Segment? last = null;
        foreach (int length in lengths)
        {
            int cut = Math.Min(length, bytes.Length);
            Append(bytes[..cut]);
            bytes = bytes[cut..];
        }

        Append(bytes);
        return new ReadOnlySequence<byte>(first!, 0, last!, last!.Memory.Length);

        void Append(ReadOnlyMemory<byte> memory)
        {
            // A copy each: no read can run over into the next segment unnoticed.
            Segment segment = new(memory.ToArray(), last);
            first ??= segment;
            last = segment;
        }
    }

    public static ReadOnlySequence<byte> OneByteEach(ReadOnlyMemory<byte> bytes) => Cut(bytes, Enumerable.Repeat(1, bytes.Length));

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, Segment? previous)
        {
            Memory = memory;
            if (previous is not null)
            {
                RunningIndex = previous.RunningIndex + previous.Memory.Length;
                previous.Next = this;
            }
        }
    }
}
