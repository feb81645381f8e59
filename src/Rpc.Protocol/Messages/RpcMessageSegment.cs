using System.Buffers;

namespace Kestrel.Rpc.Protocol;

/// <summary>A pooled array in the chain of a message that is put together.</summary>
internal sealed class RpcMessageSegment : ReadOnlySequenceSegment<byte>
{
    private readonly byte[] _array;

    public RpcMessageSegment(byte[] array, RpcMessageSegment? previous)
    {
        _array = array;
        if (previous is not null)
        {
            RunningIndex = previous.RunningIndex + previous.Length;
            previous.Next = this;
        }
    }

    public int Length { get; private set; }

    public int Room => _array.Length - Length;

    public Memory<byte> Free => _array.AsMemory(Length);

    public void Advance(int count)
    {
        Length += count;
        Memory = _array.AsMemory(0, Length);
    }

    /// <summary>Takes as many bytes as there is room for off the front.</summary>
    public void Fill(ref ReadOnlySequence<byte> source)
    {
        int length = (int)Math.Min(source.Length, Room);
        source.Slice(0, length).CopyTo(Free.Span);
        source = source.Slice(length);
        Advance(length);
    }

    /// <summary>Gives the arrays of a chain back.</summary>
    public static void Return(ArrayPool<byte> pool, RpcMessageSegment? first)
    {
        for (RpcMessageSegment? segment = first; segment is not null; segment = (RpcMessageSegment?)segment.Next)
        {
            segment.Memory = default;
            pool.Return(segment._array);
        }
    }
}
